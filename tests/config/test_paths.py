import hashlib
import os
from pathlib import Path

import pytest

from notifier.config import (
    StorePlace,
    absolute_path,
    default_socket_path,
    default_store,
    find_config,
)
from notifier.errors import ConfigError

SYSTEM = Path("/etc/notifier/config.toml")
OWN = Path("/home/somebody/clips/config.toml")
TMP = "/tmp/"  # noqa: S108 - the default that is tested
NAMED = "clips-" + hashlib.sha256(b"/home/somebody/clips/config.toml").hexdigest()[:8]


def test_the_option_wins_over_the_environment(tmp_path: Path) -> None:
    asked, other = tmp_path / "a.toml", tmp_path / "b.toml"
    asked.touch()
    assert find_config(asked, {"NOTIFIER_CONFIG": str(other)}) == asked


def test_the_environment_wins_over_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.toml").touch()
    Path("b.toml").touch()
    assert find_config(None, {"NOTIFIER_CONFIG": "b.toml"}) == Path("b.toml")


def test_a_config_in_the_current_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.toml").touch()
    assert find_config(None, {}) == Path("config.toml")


def test_without_any_config_the_error_names_where_one_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        find_config(None, {"NOTIFIER_CONFIG": ""})
    message = str(caught.value)
    assert str(tmp_path / "config.toml") in message
    assert str(SYSTEM) in message
    assert "notifier init" in message


@pytest.mark.parametrize(
    ("config", "env", "store"),
    [
        (OWN, {"STATE_DIRECTORY": "/s/a:/s/b", "HOME": "/h"}, "/s/a/notifier.db"),
        (SYSTEM, {"STATE_DIRECTORY": "/s", "HOME": "/h"}, "/s/notifier.db"),
        (SYSTEM, {"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/var/lib/notifier/notifier.db"),
        (OWN, {"XDG_STATE_HOME": "/x", "HOME": "/h"}, f"/x/notifier/{NAMED}/notifier.db"),
        (
            OWN,
            {"XDG_STATE_HOME": "relative", "HOME": "/h"},
            f"/h/.local/state/notifier/{NAMED}/notifier.db",
        ),
        (OWN, {"HOME": "/h"}, f"/h/.local/state/notifier/{NAMED}/notifier.db"),
    ],
)
def test_the_store_is_where_its_kind_of_install_keeps_state(
    config: Path, env: dict[str, str], store: str
) -> None:
    assert default_store(config, env).path == Path(store)


def test_without_a_home_the_store_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "~")
    with pytest.raises(ConfigError) as caught:
        default_store(OWN, {})
    assert "store.path: is required" in str(caught.value)


def test_an_old_store_of_this_config_stays_in_use_until_there_is_a_new_one(tmp_path: Path) -> None:
    env = {"XDG_STATE_HOME": str(tmp_path)}
    old = tmp_path / "notifier" / "notifier.db"
    new = tmp_path / "notifier" / NAMED / "notifier.db"

    used = default_store(OWN, env, {old: OWN}.get)
    assert (used.path, used.is_shared) == (old, True)
    other = default_store(OWN, env, {old: SYSTEM}.get)
    assert (other.path, other.is_shared) == (new, False)
    new.parent.mkdir(parents=True)
    new.touch()
    assert default_store(OWN, env, {old: OWN}.get).path == new


@pytest.mark.parametrize("name", ["n" * 255, "视" * 85, "é" * 127, "x"])
def test_a_folder_name_of_any_length_makes_a_name_that_a_folder_can_have(name: str) -> None:
    place = default_store(Path("/", name, "config.toml"), {"HOME": "/h"})
    assert len(os.fsencode(place.path.parent.name)) <= 255
    assert place.path.parent.name.startswith(name[:80])


def test_a_config_in_the_root_folder_has_a_store(tmp_path: Path) -> None:
    place = default_store(Path("/config.toml"), {"HOME": "/h"})
    assert len(place.path.parent.name) == 8


@pytest.mark.parametrize(
    ("store", "where"),
    [
        (StorePlace(Path("/h/s/a-1/notifier.db"), Path("/h/s")), "/h/s/a-1"),
        (StorePlace(Path("/h/s", "a" * 200, "notifier.db"), Path("/h/s")), "/h/s"),
        (StorePlace(Path("/h", "a" * 200, "x/notifier.db"), Path("/h", "a" * 200)), TMP),
        (StorePlace(Path("/h", "a" * 200, "notifier.db")), TMP),
        (StorePlace(Path("/h", "视" * 40, "notifier.db")), TMP),
    ],
)
def test_a_socket_path_is_never_too_long_for_a_socket(store: StorePlace, where: str) -> None:
    socket = default_socket_path(OWN, store, {})
    assert len(os.fsencode(socket)) <= 107
    assert str(socket.parent).startswith(where.rstrip("/"))
    other = StorePlace(store.path.with_name("other.db"), store.root)
    assert default_socket_path(OWN, other, {}) != socket


def test_a_path_is_without_dots_unless_that_would_be_another_file(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "far" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "b")
    for folder in (tmp_path, tmp_path / "far"):
        (folder / "config.toml").touch()
    assert absolute_path(tmp_path / "a" / ".." / "config.toml") == tmp_path / "config.toml"
    behind = tmp_path / "link" / ".." / "config.toml"
    assert absolute_path(behind) == behind
    assert absolute_path(tmp_path / "link" / "c.toml") == tmp_path / "link" / "c.toml"
