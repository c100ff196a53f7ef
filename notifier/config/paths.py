"""Where things are when nobody says: the config file, and the store that belongs to it."""

import os
from collections.abc import Mapping
from pathlib import Path

from notifier.errors import ConfigError, Problem

_SYSTEM_FOLDER = Path("/etc/notifier")
_SYSTEM_STATE = Path("/var/lib/notifier")
_SYSTEM_RUN = Path("/run/notifier")
_STORE = "notifier.db"
_SOCKET = "notifier.sock"


def find_config(option: Path | None, env: Mapping[str, str]) -> Path:
    """Return the config file: what was asked for, else the first that exists.

    Raises ConfigError when nothing was asked for and there is none.
    """
    if option is not None:
        return option
    if env.get("NOTIFIER_CONFIG"):
        return Path(env["NOTIFIER_CONFIG"])
    usual = (Path("config.toml"), _SYSTEM_FOLDER / "config.toml")
    for path in usual:
        # an unreadable one is found, so that loading it says why it cannot be used
        if os.path.lexists(path):
            return path
    looked = f"neither {usual[0].absolute()} nor {usual[1]} exists"
    hint = "`notifier init` writes one; -c or $NOTIFIER_CONFIG names another"
    raise ConfigError([Problem("config", "", looked, hint)])


def default_store_path(config_path: Path, env: Mapping[str, str]) -> Path:
    """Return where the store is when the config does not say.

    `config_path` is absolute. Raises ConfigError when there is no home to put it in.
    """
    if env.get("STATE_DIRECTORY"):
        return Path(env["STATE_DIRECTORY"].split(":")[0], _STORE)
    if config_path.is_relative_to(_SYSTEM_FOLDER):
        return Path(f"{_SYSTEM_STATE}{_instance(config_path)}", _STORE)
    state = Path(env.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        home = Path(env.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises
        state = home / ".local" / "state"
    if not state.is_absolute():
        message = "is required: there is no home folder to put the store in"
        raise ConfigError([Problem(str(config_path), "store.path", message)])
    return state / "notifier" / _STORE


def default_socket_path(config_path: Path, store_path: Path, env: Mapping[str, str]) -> Path:
    """Return where the control socket is when the config does not say.

    Beside the store, unless the system has a place for it: every store has one daemon, so that
    two daemons of one user never meet there.
    """
    if env.get("RUNTIME_DIRECTORY"):
        return Path(env["RUNTIME_DIRECTORY"].split(":")[0], _SOCKET)
    if config_path.is_relative_to(_SYSTEM_FOLDER):
        return Path(f"{_SYSTEM_RUN}{_instance(config_path)}", _SOCKET)
    return store_path.with_suffix(".sock")


def _instance(config_path: Path) -> str:
    """Return what the folders of one of several services end with: `-NAME` for NAME.toml."""
    return "" if config_path.name == "config.toml" else f"-{config_path.stem}"
