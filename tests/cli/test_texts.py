"""Errors name what was written, what was expected and the next step; every help has examples."""

import os
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from notifier.cli import cli, main
from notifier.cli.groups import SuggestingGroup

CONFIG = """
[gateways.main]
base_url = "http://127.0.0.1:9/v1"
[endpoints.app]
url = "http://127.0.0.1:9/hook"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with a config, with a state folder of its own."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    (tmp_path / "ids.txt").write_text("video_1\nvideo_2\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("NOTIFIER_CONFIG", raising=False)
    return path


def said(*arguments: str) -> str:
    """Return what a command that fails says."""
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    error = done.exception
    if error is None:
        assert done.return_value == 1
        return done.stderr.strip()
    return error.format_message() if isinstance(error, click.ClickException) else str(error)


ONE_OF_EACH = '[\n  "a",\n  {"video_id": "b", "metadata": {"user": "7"}}\n]\n'


@pytest.mark.parametrize(
    ("content", "watched"),
    [
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\xef\xbb\xbfa\nb", ["a", "b"]),
        ("a\nb\n".encode("utf-16"), ["a", "b"]),
        (b'["a", "b"]', ["a", "b"]),
        (ONE_OF_EACH.encode(), ["a", "b"]),
        (b"\xef\xbb\xbf" + ONE_OF_EACH.replace("\n", "\r\n").encode(), ["a", "b"]),
    ],
)
def test_lists_are_read_as_editors_and_programs_write_them(
    content: bytes, watched: list[str]
) -> None:
    done = CliRunner().invoke(cli, ["watch", "add", "-"], input=content, standalone_mode=False)
    assert done.return_value == 0, done.stderr
    assert [line.split()[1] for line in done.stdout.splitlines()] == watched


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b'["a", 3]', "item 2: is neither an id nor an object"),
        (b"a\n# b\n", "line 2: starts like a comment"),
        (b"a\n[\n", "line 2: is not valid JSON"),
        (b"a\nb\xff\n", "line 2: is not UTF-8 text"),
    ],
)
def test_what_is_no_id_is_named_by_its_place_and_not_watched(content: bytes, error: str) -> None:
    done = CliRunner().invoke(cli, ["watch", "add", "-"], input=content, standalone_mode=False)
    assert done.return_value == 1
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["a"]
    assert error in done.stderr


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("stauts",), ['"stauts"', "did you mean status?"]),
        (("events", "lst"), ['"lst"', "did you mean list?"]),
        (("watch", "ad", "x"), ['"ad"', "did you mean add?"]),
        (("endpoints", "tset", "app"), ['"tset"', "did you mean test?"]),
        (("endpoints", "test", "ap"), ['"ap"', "did you mean `app`?"]),
        (("endpoints", "enable", "nope"), ['"nope"', "configured: app"]),
        (("probe", "mian", "video"), ['"mian"', "did you mean `main`?"]),
        (("events", "list", "--endpoint", "ap"), ['"ap"', "did you mean `app`?"]),
        (("events", "list", "--type", "video.compleet"), ['"video.compleet"', "did you mean"]),
        (("events", "list", "--state", "ded"), ['"ded"', "did you mean `dead`?"]),
        (("events", "list", "--since", "yesterday"), ['"yesterday"', "2h"]),
        (("watch", "add", "x", "--endpoint", "ap"), ["--endpoint: ", '"ap"', "`app`"]),
        (("watch", "add", "x", "--gateway", "mian"), ["--gateway: ", '"mian"', "`main`"]),
        (("watch", "add", "x", "--give-up-after", "soon"), ['"soon"', "must be a duration"]),
        (("sandbox", "--profile", "litelm"), ['"litelm"', "did you mean `litellm`?"]),
        (("sandbox", "--fault", "htlm"), ['"htlm"', "did you mean `html`?"]),
        (("watch", "remove", "nope"), ['"nope"', "notifier watch list"]),
        (("events", "show", "evt_nope"), ['"evt_nope"', "notifier events list"]),
        (("status", "--jsn"), ["--jsn", "--json"]),
        (("sandbox", "--fault", "nope"), ["must be one of 429", '"nope"']),
        (("sandbox", "--speed", "fast"), ["must be a number above 0", '"fast"']),
        (("sandbox", "--speed", "0"), ["must be a number above 0", '"0"']),
        (("sandbox", "--port", "99999"), ["must be a whole number from 0 to 65535", '"99999"']),
        (("listen", "--fail-first", "x"), ["must be a whole number of at least 0", '"x"']),
        (("events", "list", "--limit", "x"), ["must be a whole number from 1 to 1000", '"x"']),
        (("endpoints", "test", "app", "--type", "video.fail"), ['"video.fail"', "`video.failed`"]),
        (("watch", "remove", "x", "--gateway", "mian"), ['"mian"', "did you mean `main`?"]),
        (("reload",), ["no daemon is running on", "notifier run"]),
        (("status", "-c", "nope.toml"), ["nope.toml", "does not exist", "notifier init"]),
        (("-c", "config.toml", "status"), ["-c", "notifier status -c"]),
        (("restore", "nope.db"), ["nope.db", "does not exist"]),
        (("watch", "import", "ids.txt"), ["ids.txt", "notifier watch add - < FILE"]),
    ],
)
def test_a_wrong_word_is_quoted_with_the_nearest_right_one(
    arguments: tuple[str, ...], parts: list[str]
) -> None:
    text = said(*arguments)
    for part in parts:
        assert part in text
    assert "endpoints[0]" not in text
    assert "\n" not in text


def test_an_option_that_is_nearly_right_has_one_hint() -> None:
    assert "stand behind the command" not in said("--verison")
    assert "--version" in said("--verison")


def test_one_mistake_in_a_long_list_does_not_fill_the_terminal() -> None:
    ids = "".join("#\n" for _ in range(20_000))
    done = CliRunner().invoke(cli, ["watch", "add", "-"], input=ids, standalone_mode=False)
    assert done.return_value == 1
    assert len(done.stderr.splitlines()) < 25
    assert "and 19980 more" in done.stderr


@pytest.mark.parametrize("written", ["sk-secret", "whsec_secret", "x" * 41])
@pytest.mark.parametrize(
    "arguments", [("endpoints", "test"), ("events", "show"), ("events", "list", "--endpoint")]
)
def test_what_may_be_a_secret_is_not_repeated(arguments: tuple[str, ...], written: str) -> None:
    assert written not in said(*arguments, written)


@pytest.mark.parametrize(
    "arguments",
    [
        ("whsec_0123secret",),
        ("secret", "whsec_0123secret"),
        ("events", "sk-0123secret"),
        ("sandbox", "--port", "sk-0123secret"),
        ("listen", "--respond", "sk-0123secret"),
        ("status", "--sk-0123secret"),
        ("endpoints", "test", "app", "--type", "sk-0123secret"),
    ],
)
def test_a_secret_in_a_wrong_place_is_not_repeated(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["notifier", *arguments])
    assert main() == 2
    assert "0123secret" not in capsys.readouterr().err


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield (*path, name)
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("words", [(), *commands(cli)], ids=" ".join)
def test_every_help_has_examples_of_its_own_command(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*words, "--help"]).output
    _, _, examples = shown.partition("Examples:\n")
    assert " ".join(("notifier", *words)) in examples


@pytest.mark.parametrize("group", ["", "watch", "endpoints", "events"])
def test_no_summary_of_a_command_is_cut_on_80_columns(group: str) -> None:
    arguments = [*group.split(), "--help"]
    shown = CliRunner().invoke(cli, arguments, terminal_width=80).output
    _, _, summaries = shown.partition("Commands:")
    assert summaries
    assert "..." not in summaries


def test_every_group_suggests() -> None:
    context = click.Context(cli)
    groups = [
        command
        for name in cli.list_commands(context)
        if isinstance(command := cli.get_command(context, name), click.Group)
    ]
    assert groups
    assert all(isinstance(each, SuggestingGroup) for each in groups)


def test_init_for_a_gateway_of_ones_own_misses_the_v1_and_leaves_the_sandbox_out(
    tmp_path: Path,
) -> None:
    arguments = ["init", "-c", str(tmp_path / "new.toml"), "--base-url", "https://g.example"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0
    assert "does not end in /v1" in done.stderr
    assert "sandbox" not in done.stdout
    assert "notifier probe" in done.stdout


def test_init_as_it_stands_recommends_the_sandbox(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["init", "-c", str(tmp_path / "new.toml")])
    assert "notifier sandbox" in done.stdout
    assert "notifier listen" in done.stdout
    assert done.stderr == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_init_in_a_folder_that_cannot_be_written_names_the_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "-c names another file" in said("init", "-c", str(tmp_path / "new.toml"))
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("arguments", "typed", "offered"),
    [
        ("watch add --gateway", "m", ["main"]),
        ("watch add --endpoint", "", ["app"]),
        ("endpoints test", "a", ["app"]),
        ("events list --endpoint", "x", []),
        ("probe", "m", ["main"]),
    ],
)
def test_completion_knows_names(arguments: str, typed: str, offered: list[str]) -> None:
    words = f"notifier {arguments} {typed}"
    environment = {
        "_NOTIFIER_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(arguments.split()) + 1),
    }
    done = CliRunner().invoke(cli, [], env=environment, prog_name="notifier")
    assert done.output.split() == [f"plain,{each}" for each in offered]
