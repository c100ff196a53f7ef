from pathlib import Path

import pytest

from notifier.config import default_store_path, find_config
from notifier.errors import ConfigError

SYSTEM = Path("/etc/notifier/config.toml")
OWN = Path("/home/somebody/config.toml")


def test_the_option_wins_over_the_environment() -> None:
    asked = Path("a.toml")
    assert find_config(asked, {"NOTIFIER_CONFIG": "b.toml"}) == asked


def test_the_environment_wins_over_the_folder() -> None:
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
        (OWN, {"XDG_STATE_HOME": "/x", "HOME": "/h"}, "/x/notifier/notifier.db"),
        (
            OWN,
            {"XDG_STATE_HOME": "relative", "HOME": "/h"},
            "/h/.local/state/notifier/notifier.db",
        ),
        (OWN, {"HOME": "/h"}, "/h/.local/state/notifier/notifier.db"),
    ],
)
def test_the_store_is_where_its_kind_of_install_keeps_state(
    config: Path, env: dict[str, str], store: str
) -> None:
    assert default_store_path(config, env) == Path(store)


def test_without_a_home_the_store_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "~")
    with pytest.raises(ConfigError) as caught:
        default_store_path(OWN, {})
    assert "store.path: is required" in str(caught.value)
