"""Default paths: the config file, the store and the control socket."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from notifier.config.secrets import Secret
from notifier.errors import ConfigError, Problem
from notifier.model.lease import DEFAULT_LEASE

_SYSTEM_FOLDER = Path("/etc/notifier")
_SYSTEM_STATE = Path("/var/lib/notifier")
_SYSTEM_RUN = Path("/run/notifier")
_STORE = "notifier.db"
_SOCKET = "notifier.sock"
_LONGEST_NAME = 255
_LONGEST_SOCKET = 107
_DIGITS = 8

StoreOwner = Callable[[Path], Path | None]
"""Returns the config that the store at a path belongs to; None when there is no store."""


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where the store of a config is.

    `root` is the folder that holds the stores of all projects of a user. It is None for a store
    that the config names, and for that of a service. With `url` the state is in that PostgreSQL
    database; `path` is then where a file would be, and what lies beside it (lock, socket,
    archive) stays there. What waits for the database gives up after a part of `lease` (seconds).
    """

    path: Path
    root: Path | None = None
    url: Secret | None = None
    lease: float = DEFAULT_LEASE

    @property
    def is_shared(self) -> bool:
        """Whether it is the path that earlier versions used for all configs of a user."""
        return self.path.parent == self.root


def no_store(_path: Path) -> Path | None:
    """Find no store anywhere, as a `StoreOwner`."""
    return None


def absolute_path(path: Path) -> Path:
    """Return `path` absolute and without `..`; symbolic links are not resolved.

    `..` stays where removing it would lead to another file: behind a symbolic link.
    """
    plain = path.absolute()
    straight = Path(os.path.normpath(plain))
    try:
        return straight if straight.samefile(plain) else plain
    except OSError:
        return straight


def find_config(option: Path | None, env: Mapping[str, str]) -> Path:
    """Return the config file: the one that was named, else the first default that exists.

    Raises ConfigError when it does not exist, and when none was named and no default exists.
    """
    named = env.get("NOTIFIER_CONFIG") if option is None else option
    if named:
        return _existing(Path(named))
    usual = (Path("config.toml"), _SYSTEM_FOLDER / "config.toml")
    for path in usual:
        if os.path.lexists(path):
            return path
    looked = f"neither {usual[0].absolute()} nor {usual[1]} exists"
    hint = "`notifier init` writes one; -c or $NOTIFIER_CONFIG names another"
    raise ConfigError([Problem("config", "", looked, hint)])


def _existing(path: Path) -> Path:
    # lexists: an unreadable file counts, so that loading it reports why it cannot be used
    if not os.path.lexists(path):
        hint = "`notifier init -c FILE` writes one"
        raise ConfigError([Problem(str(path.absolute()), "", "does not exist", hint)])
    return path


def default_store(
    config_path: Path, env: Mapping[str, str], owner: StoreOwner = no_store
) -> StorePlace:
    """Return the place of the store for a config that names none.

    Every config has a store of its own: NAME-HASH below the state folder, after the config's
    folder and path. A store that an earlier version left at the one path for all configs is used
    there if it belongs to this config. `config_path` is absolute. Raises ConfigError when there
    is no home folder.
    """
    if env.get("STATE_DIRECTORY"):
        return StorePlace(Path(env["STATE_DIRECTORY"].split(":")[0], _STORE))
    if is_system(config_path):
        return StorePlace(Path(f"{_SYSTEM_STATE}{_instance(config_path)}", _STORE))
    root = _state_folder(config_path, env) / "notifier"
    own, shared = root / _project_name(config_path) / _STORE, root / _STORE
    if not _exists(own) and owner(shared) == config_path:
        return StorePlace(shared, root)
    return StorePlace(own, root)


def is_system(config_path: Path) -> bool:
    """Tell whether a config is that of an installed service."""
    return config_path.is_relative_to(_SYSTEM_FOLDER)


def credentials_folder(config_path: Path) -> Path | None:
    """Return the folder whose files systemd hands to an installed service as credentials."""
    if config_path.parent != _SYSTEM_FOLDER:
        return None
    return _SYSTEM_FOLDER / f"credentials{_instance(config_path)}"


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder above is closed to this user
        return True


def _state_folder(config_path: Path, env: Mapping[str, str]) -> Path:
    state = Path(env.get("XDG_STATE_HOME", ""))
    if not state.is_absolute():
        home = Path(env.get("HOME") or os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises
        state = home / ".local" / "state"
    if not state.is_absolute():
        message = "is required: there is no home folder to put the store in"
        raise ConfigError([Problem(str(config_path), "store.path", message)])
    return state


def _project_name(config_path: Path) -> str:
    """Return NAME-HASH: NAME for people, HASH to tell projects of one name apart."""
    suffix = f"-{_digest(config_path)}"
    name = os.fsencode(config_path.parent.name)[: _LONGEST_NAME - len(suffix)]
    # a cut may have left half a character
    return (name.decode(errors="ignore") + suffix).lstrip("-")


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:_DIGITS]


def default_socket_path(config_path: Path, store: StorePlace, env: Mapping[str, str]) -> Path:
    """Return the path of the control socket for a config that sets none.

    It is beside the store unless systemd provides a folder. Every store has one daemon, so two
    daemons of one user never share a socket. Where that path is too long for a socket, it is
    HASH.sock above all stores, and if need be in a private folder below /tmp.
    """
    if env.get("RUNTIME_DIRECTORY"):
        return Path(env["RUNTIME_DIRECTORY"].split(":")[0], _SOCKET)
    if is_system(config_path):
        return Path(f"{_SYSTEM_RUN}{_instance(config_path)}", _SOCKET)
    hashed = f"{_digest(store.path)}.sock"
    wanted = [store.path.with_suffix(".sock")]
    if store.root is not None:
        wanted.append(store.root / hashed)
    fitting = (path for path in wanted if len(os.fsencode(path)) <= _LONGEST_SOCKET)
    return next(fitting, private_folder() / hashed)


def private_folder() -> Path:
    """Return the folder for sockets that fit nowhere else; it may be trusted if it is ours."""
    return Path(f"/tmp/notifier-{os.geteuid()}")  # noqa: S108 - whoever uses it checks its owner


def _instance(config_path: Path) -> str:
    """Return the suffix of one service instance's folders: `-NAME` for NAME.toml, else nothing."""
    return "" if config_path.name == "config.toml" else f"-{config_path.stem}"
