import copy
import dataclasses
import os
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config import Secret, SecretError
from notifier.config.bad_value import BadValueError
from notifier.config.secret_sources import ParseContext
from notifier.config.secrets import read_secret

CANARY = "sk-canary-5f2a"


def secret(value: object, folder: Path = Path(), env: Mapping[str, str] | None = None) -> Secret:
    return read_secret(value, lambda text: text, ParseContext(folder, {} if env is None else env))


def complaint(value: object, folder: Path = Path(), env: Mapping[str, str] | None = None) -> str:
    with pytest.raises(SecretError) as caught:
        secret(value, folder, env).reveal()
    return str(caught.value)


def no_canary(text: str) -> None:
    if "canary" in text:
        raise BadValueError("must be something else")


def test_a_literal_is_revealed_as_it_is() -> None:
    literal = secret(CANARY)
    assert literal.reveal() == CANARY
    assert literal.is_literal
    assert literal.source == "the config file"


def test_an_environment_variable_is_looked_up_when_revealed_and_then_kept() -> None:
    env: dict[str, str] = {}
    variable = secret({"env": "KEY"}, env=env)
    env["KEY"] = CANARY
    assert variable.reveal() == CANARY
    env["KEY"] = "another"
    assert variable.reveal() == CANARY
    assert variable.source == "environment variable KEY"


def test_a_credential_is_a_file_of_this_run(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(CANARY)
    credential = secret({"credential": "key"}, env={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert credential.reveal() == CANARY
    (tmp_path / "key").write_text("another one")
    assert credential.reveal() == CANARY


def test_a_relative_file_is_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(CANARY)
    assert secret({"file": "key"}, tmp_path).reveal() == CANARY


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_one_newline_at_the_end_is_not_part_of_a_secret(tmp_path: Path, ending: str) -> None:
    (tmp_path / "key").write_bytes(f"{CANARY}{ending}".encode())
    assert secret({"file": "key"}, tmp_path).reveal() == CANARY


def test_a_changed_file_takes_effect(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    file = secret({"file": "key"}, tmp_path)
    assert file.reveal() == "old"
    path.write_text("newer")
    assert file.reveal() == "newer"


def test_a_replaced_file_takes_effect_even_with_the_same_time_and_size(tmp_path: Path) -> None:
    path, other = tmp_path / "key", tmp_path / "other"
    path.write_text("old")
    other.write_text("new")
    for each in (path, other):
        os.utime(each, ns=(1, 1))
    file = secret({"file": "key"}, tmp_path)
    assert file.reveal() == "old"
    other.replace(path)
    assert file.reveal() == "new"


def test_the_last_good_text_is_kept_while_the_file_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("good")
    file = read_secret({"file": "key"}, no_canary, ParseContext(tmp_path, {}))
    assert file.reveal() == "good"
    path.write_text("")
    assert file.reveal() == "good"
    path.write_text(CANARY)
    assert file.reveal() == "good"
    path.unlink()
    assert file.reveal() == "good"
    path.write_text("good again")
    assert file.reveal() == "good again"


def test_a_missing_variable_is_named() -> None:
    assert complaint({"env": "KEY"}) == "environment variable KEY is not set"


def test_an_empty_variable_is_an_error() -> None:
    expected = "the value from environment variable KEY is empty"
    assert complaint({"env": "KEY"}, env={"KEY": "\n"}) == expected


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert complaint({"file": "key"}, tmp_path) == f"file {tmp_path / 'key'} does not exist"


def test_a_credential_without_systemd_is_explained() -> None:
    expected = "credential key cannot be read: CREDENTIALS_DIRECTORY is not set"
    assert complaint({"credential": "key"}) == expected


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    assert complaint({"file": "."}, tmp_path).endswith("Is a directory")


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert complaint({"file": "pipe"}, tmp_path).endswith("is not a regular file")


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"x" * 70_000, "is larger than 64 KiB"),
    ],
)
def test_a_file_that_is_no_text_of_a_sane_size_is_an_error(
    tmp_path: Path, content: bytes, ending: str
) -> None:
    (tmp_path / "key").write_bytes(content)
    assert complaint({"file": "key"}, tmp_path).endswith(ending)


def test_a_text_that_fails_its_check_is_not_repeated() -> None:
    checked = read_secret({"env": "KEY"}, no_canary, ParseContext(Path(), {"KEY": CANARY}))
    with pytest.raises(SecretError) as caught:
        checked.reveal()
    expected = "the value from environment variable KEY must be something else"
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(3, True, None, [], {}, {"env": 3}, {"env": "A", "file": "b"}, {"password": "x"}),
        *({"env": "sk-1"}, {"file": ""}, {"file": "a\0b"}),
        *({"credential": "../key"}, {"credential": ".."}),
    ],
)
def test_what_describes_no_secret_is_refused_at_once(value: object) -> None:
    with pytest.raises(BadValueError):
        secret(value)


def test_a_secret_is_in_no_text_of_itself() -> None:
    literal = secret(CANARY)
    literal.reveal()
    shown = [repr(literal), str(literal), f"{literal}", f"{literal!r:>9}", repr([literal])]
    assert not any(CANARY in text for text in shown)


@pytest.mark.parametrize("copying", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_cannot_be_carried_off(copying: object) -> None:
    assert callable(copying)
    with pytest.raises(TypeError):
        copying(secret(CANARY))


def test_secrets_from_the_same_origin_are_equal() -> None:
    assert secret({"env": "A"}) == secret({"env": "A"})
    assert hash(secret({"env": "A"})) == hash(secret({"env": "A"}))
    assert secret({"env": "A"}) != secret({"env": "B"})
    assert secret({"env": "A"}) != "A"


def test_an_origin_does_not_show_a_literal_either() -> None:
    literal = secret(CANARY)
    origin = literal._origin  # noqa: SLF001 - a traceback with locals would show it
    assert CANARY not in repr(origin)
    assert dataclasses.is_dataclass(origin)


@given(st.binary(max_size=200))
def test_any_file_is_a_secret_or_a_secret_error(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("secret")
    (folder / "key").write_bytes(content)
    try:
        text = secret({"file": "key"}, folder).reveal()
    except SecretError:
        return
    assert content.startswith(text.encode())
