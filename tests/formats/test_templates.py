"""Templates: what they make, and that none of them can hold up or harm the daemon."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from notifier.config import load
from notifier.config.templates import check_templates
from notifier.formats import standard
from notifier.formats.samples import render_sample
from notifier.model.delivery import Format, Rendering
from notifier.model.event import EventType
from notifier.webhook.templates import Template, TemplateError, apply_template
from tests.formats.events import COMPLETED

BODY = standard.render(COMPLETED)
DOCUMENT = Path(__file__).parents[2] / "docs" / "destinations.md"
RECIPES = {
    "ntfy": {"topic", "title", "message", "click"},
    "Telegram": {"chat_id", "text"},
    "Matrix": {"text"},
    "PagerDuty": {"routing_key", "event_action", "dedup_key", "payload"},
    "Apprise": {"title", "body", "type"},
}


async def applied(folder: Path, source: str, media: str = "application/json") -> bytes:
    path = folder / "message.j2"
    path.write_text(source)
    return await apply_template(Template(path, media), BODY)


async def test_the_event_is_the_context(tmp_path: Path) -> None:
    made = await applied(
        tmp_path,
        '{"text": {{ ("ü " ~ data.id) | tojson }}, "e": {{ event | tojson }}}',
    )
    assert json.loads(made) == {"text": "ü video_1", "e": json.loads(BODY)}


async def test_other_media_types_need_not_be_json(tmp_path: Path) -> None:
    assert await applied(tmp_path, "{{ type }} <&>", "text/plain") == b"video.completed <&>"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ vidoe.id }}", "'vidoe' is undefined"),
        ("\n{% if %}", "line 2"),
        ("no json", "valid JSON"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "1 s"),
        ("{{ 'x' * 9000000000 }}", "memory"),
        ("{{ 'x' * 300000 }}", "256000 bytes"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "unsafe"),
        ("{% include '/etc/passwd' %}", "loader"),
        ("{{ range(10000000) | list }}", "OverflowError"),
    ],
)
async def test_a_template_that_fails_says_why(tmp_path: Path, source: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(reason)):
        await applied(tmp_path, source)


async def test_a_missing_file_is_a_reason_as_well(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="cannot be read"):
        await apply_template(Template(tmp_path / "none.j2", "text/plain"), BODY)


def config_with(folder: Path, source: str, extra: str = "") -> Path:
    (folder / "message.j2").write_text(source)
    path = folder / "config.toml"
    path.write_text(
        '[gateways.main]\nbase_url = "https://gw.example/v1"\n[endpoints.own]\n'
        f'url = "https://own.example/"\nformat = "template"\ntemplate = "message.j2"\n{extra}'
    )
    return path


def test_check_tries_a_sample_of_every_event_that_the_endpoint_gets(tmp_path: Path) -> None:
    source = '{"gateway": {{ watch.gateway | tojson }}}'
    assert check_templates(load(config_with(tmp_path, source), {})) == []
    every = config_with(tmp_path, source, 'events = ["*"]\n')
    (problem,) = check_templates(load(every, {}))
    assert problem.key == "endpoints.own.template"
    assert "endpoint.disabled" in problem.message


def recipe(name: str) -> tuple[str, str]:
    """Return the config and the template that the documentation has for a service."""
    section = DOCUMENT.read_text(encoding="utf-8").split(f"\n### {name}")[1].split("\n### ")[0]
    config = re.search(r"```toml\n(.*?)```", section, re.DOTALL)
    template = re.search(r"```jinja\n(.*?)```", section, re.DOTALL)
    assert config
    assert template
    return config[1], template[1]


@pytest.mark.parametrize("name", RECIPES)
async def test_every_documented_recipe_works_with_every_event_it_gets(
    name: str, tmp_path: Path
) -> None:
    config, source = recipe(name)
    endpoint = next(iter(tomllib.loads(config)["endpoints"].values()))
    (tmp_path / endpoint["template"]).write_text(source)
    path = tmp_path / "config.toml"
    path.write_text(f'[gateways.main]\nbase_url = "https://gw.example/v1"\n{config}')
    assert check_templates(load(path, {})) == []
    sample = render_sample(
        Rendering(Format.STANDARD), EventType.FAILED, "evt_1", 1760627863, ("main", "https://g/v1")
    )
    made = json.loads(
        await apply_template(Template(tmp_path / endpoint["template"], "application/json"), sample)
    )
    assert set(made) >= RECIPES[name] - {"click"}
    assert "video_notifier_test" in json.dumps(made)
