"""Default paths: the config file, the store and the control socket."""

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
    """Return the config file: the one that was named, else the first default that exists.

    Raises ConfigError when none was named and no default exists.
    """
    if option is not None:
        return option
    if env.get("NOTIFIER_CONFIG"):
        return Path(env["NOTIFIER_CONFIG"])
    usual = (Path("config.toml"), _SYSTEM_FOLDER / "config.toml")
    for path in usual:
        # lexists: an unreadable file counts, so that loading it reports why it cannot be used
        if os.path.lexists(path):
            return path
    looked = f"neither {usual[0].absolute()} nor {usual[1]} exists"
    hint = "`notifier init` writes one; -c or $NOTIFIER_CONFIG names another"
    raise ConfigError([Problem("config", "", looked, hint)])


def default_store_path(config_path: Path, env: Mapping[str, str]) -> Path:
    """Return the path of the store for a config that sets none.

    `config_path` is absolute. Raises ConfigError when there is no home folder.
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
    """Return the path of the control socket for a config that sets none.

    It is beside the store unless systemd provides a folder. Every store has one daemon, so two
    daemons of one user never share a socket.
    """
    if env.get("RUNTIME_DIRECTORY"):
        return Path(env["RUNTIME_DIRECTORY"].split(":")[0], _SOCKET)
    if config_path.is_relative_to(_SYSTEM_FOLDER):
        return Path(f"{_SYSTEM_RUN}{_instance(config_path)}", _SOCKET)
    return store_path.with_suffix(".sock")


def _instance(config_path: Path) -> str:
    """Return the suffix of one service instance's folders: `-NAME` for NAME.toml, else nothing."""
    return "" if config_path.name == "config.toml" else f"-{config_path.stem}"
