"""What documents name is there: commands, options, keys of the config, modules; code parses."""

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from urllib.parse import urlsplit

import click
import jsonschema

from notifier.cli import cli
from notifier.signing import generate_secret
from tests.documents.reading import PAGES, ROOT, Said, blocks, pasted_commands, words_in_code_type

INCOMPLETE = ("required", "dependentRequired")
TOP_LEVEL_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


def wrong_in(command: str) -> str:
    """Return what `notifier …` names that is not there, empty when all of it is."""
    words = shlex.split(re.split(r"\s+[|>&]|&&|;", command)[0], comments=True)[1:]
    here: click.Command = cli
    context = click.Context(cli)
    for word in words:
        if word.startswith("-") and word not in {"-", "--help", "-h", "--version"}:
            options = {name for each in here.params for name in each.opts}
            if word.partition("=")[0] not in options:
                return word
        elif isinstance(here, click.Group) and not word.startswith("-"):
            found = here.get_command(context, word)
            if found is None:
                return word
            here = found
    return ""


def commands() -> Iterator[Said]:
    for said in (*pasted_commands(), *words_in_code_type()):
        for part in re.split(r"\s*(?:&&|[;|])\s+", said.text):
            if match := re.fullmatch(r"(?:\S*/)?(notifier [a-z-].*)", part):
                yield Said(said.page, match[1])


def test_every_command_and_option_of_notifier_that_a_page_names_is_there() -> None:
    named = list(commands())
    assert len(named) > 60
    assert [(each, wrong_in(each.text)) for each in named if wrong_in(each.text)] == []


def test_a_command_or_option_that_is_not_there_is_found() -> None:
    assert wrong_in("notifier watch add ID --wait --metadata user=7") == ""
    assert wrong_in("notifier watch ad ID") == "ad"
    assert wrong_in("notifier sandbox --sped 10") == "--sped"


def problems_of(config: str) -> list[tuple[str, str]]:
    """Return what the schema says against a part of a config, except that there has to be more."""
    schema = json.loads((ROOT / "config.schema.json").read_text())
    whole = config.replace("whsec_…", generate_secret())
    found = jsonschema.Draft202012Validator(schema).iter_errors(tomllib.loads(whole))
    return [
        (error.json_path, error.message) for error in found if error.validator not in INCOMPLETE
    ]


def test_every_config_that_a_page_shows_has_keys_and_values_of_the_schema() -> None:
    shown = list(blocks("toml"))
    assert len(shown) > 20
    wrong = [(block.page, problems_of(block.code)) for block in shown if problems_of(block.code)]
    assert wrong == []


def test_a_key_that_is_not_there_is_found() -> None:
    assert problems_of('[gateways.main]\nbase_url = "https://a.example/v1"') == []
    assert problems_of("[gateways.main]\ndiscovery = true") != []


def test_every_python_block_parses() -> None:
    for block in blocks("python"):
        compile(block.code, block.page, "exec", ast.PyCF_ONLY_AST | TOP_LEVEL_AWAIT)


def test_every_module_that_is_to_be_run_is_there_with_its_options() -> None:
    said = (*pasted_commands(), *words_in_code_type())
    runs = [
        (each, re.search(r"python -m (tests[\w.]*)((?: +[^;|]*)?)", each.text)) for each in said
    ]
    found = [(each, match[1], match[2]) for each, match in runs if match]
    assert len(found) > 10
    for each, module, options in found:
        path = ROOT / module.replace(".", "/")
        file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
        assert file.exists(), each
        sources = [file] if file.name != "__main__.py" else list(path.glob("*.py"))
        text = "".join(source.read_text() for source in sources)
        for option in re.findall(r"--[\w-]+", options):
            assert f'"{option}"' in text, (each, option)


def test_every_link_to_another_site_is_an_https_address() -> None:
    for page in PAGES:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\((\w+:[^)]*)\)", prose):
            parts = urlsplit(target)
            assert parts.scheme == "https", (page.name, target)
            assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc), (page.name, target)
            assert not re.search(r"[\s<>\"…]", target), (page.name, target)


def test_the_page_that_lists_the_commands_has_all_of_them() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    listed = page[page.index("## Which commands are there?") :]
    commands = cli.list_commands(click.Context(cli))
    assert len(commands) > 15
    assert [name for name in commands if not re.search(rf"`{name}[ `]", listed)] == []
