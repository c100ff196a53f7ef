"""Errors about names: which one is suggested, and what is never repeated."""

from pathlib import Path

import pytest

from notifier.config import load
from notifier.config.bad_value import did_you_mean
from notifier.errors import ConfigError

GATEWAY = '[gateways.main]\nbase_url = "http://127.0.0.1:9/v1"\n'
ENDPOINT = '[endpoints.app]\nformat = "slack"\nurl = "http://127.0.0.1:9/hook"\n'


def error_of(folder: Path, text: str) -> str:
    path = folder / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "known", "nearest"),
    [
        ("id", ["video_id", "gateway"], "video_id"),
        ("completed", ["video.completed", "video.failed"], "video.completed"),
        ("key", ["api_key", "base_url"], "api_key"),
    ],
)
def test_a_part_of_one_known_name_is_taken_for_it(
    written: str, known: list[str], nearest: str
) -> None:
    assert did_you_mean(written, known) == f"did you mean `{nearest}`?"


def test_a_part_of_several_known_names_is_no_suggestion() -> None:
    assert did_you_mean("app", ["europe-app", "america-app"]) == ""


@pytest.mark.parametrize(
    "line",
    [
        'whsec_0123secret = "x"',
        'sk-0123secret = "x"',
        '["whsec_0123secret"]\nx = 1',
        "[gateways.sk-0123secret]\nbase_url = 5",
        "[endpoints.app.headers]\nwhsec_0123secret = 5",
    ],
)
def test_a_key_that_starts_like_a_secret_is_not_repeated(line: str, tmp_path: Path) -> None:
    text = error_of(tmp_path, f"{GATEWAY}{line}\n")
    assert "0123secret" not in text
    assert "…" in text


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ('proxy = "proxy"', "such as http://user:password@proxy.example:3128"),
        ('proxy = "http://:99999"', "such as http://user:password@proxy.example:3128"),
        ('proxy = "http://a b"', "percent-encode"),
    ],
)
def test_a_bad_proxy_is_answered_with_the_form_of_a_proxy(
    line: str, hint: str, tmp_path: Path
) -> None:
    text = error_of(tmp_path, f"{GATEWAY}{ENDPOINT}{line}\n")
    assert hint in text
    assert "/v1" not in text


def test_a_bad_endpoint_url_is_answered_with_the_form_of_a_receiver(tmp_path: Path) -> None:
    text = error_of(tmp_path, f'{GATEWAY}[endpoints.app]\nformat = "slack"\nurl = "hook"\n')
    assert "such as https://receiver.example/webhooks" in text
