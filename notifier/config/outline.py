"""The outline of a config: what a command needs to reach its daemon, read without validation.

Validating a config takes longer than most commands, and a running daemon has validated it
already. A command that only asks the daemon reads the outline; any other one loads the config.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from notifier.config.bad_value import BadValueError
from notifier.config.durations import parse_duration
from notifier.config.paths import (
    StoreOwner,
    StorePlace,
    absolute_path,
    credentials_folder,
    default_socket_path,
    default_store,
)
from notifier.config.secret_sources import ParseContext
from notifier.config.secrets import read_secret
from notifier.config.toml_file import read_toml
from notifier.config.urls import check_store_url
from notifier.model.lease import DEFAULT_LEASE


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the store and the socket of a config are, and the names of its tables."""

    path: Path
    store: StorePlace
    socket: Path
    gateways: tuple[str, ...]
    endpoints: tuple[str, ...]

    @property
    def store_path(self) -> Path:
        """The store's file, or where it would be."""
        return self.store.path


def read_outline(path: Path, env: Mapping[str, str], owner: StoreOwner) -> Outline | None:
    """Return the outline of the config at `path`; None when it is not a valid one.

    Loading the config says what is wrong then. `owner` finds a store that an earlier version left.
    Raises ConfigError for a file that is not TOML.
    """
    path = absolute_path(path)
    raw = read_toml(path)
    tables = [raw.get(name, {}) for name in ("gateways", "endpoints", "store", "http", "cluster")]
    if not all(isinstance(table, dict) for table in tables):
        return None
    gateways, endpoints = tables[:2]
    store, socket, url = tables[2].get("path"), tables[3].get("socket"), tables[2].get("url")
    if not all(text is None or isinstance(text, str) for text in (store, socket)):
        return None
    place = StorePlace(path.parent / store) if store else default_store(path, env, owner)
    if url is not None:
        sources = ParseContext(path.parent, env, credentials_folder(path))
        try:
            secret = read_secret(url, check_store_url, sources)
            lease = parse_duration(tables[4].get("lease", DEFAULT_LEASE))
            place = replace(place, url=secret, lease=lease)
        except BadValueError:
            return None
    return Outline(
        path,
        place,
        path.parent / socket if socket else default_socket_path(path, place, env),
        tuple(gateways),
        tuple(endpoints),
    )
