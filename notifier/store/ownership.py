"""Tells which config and which project a store belongs to.

A store holds the state of one config. A daemon with another config would withdraw its watches,
and a command would act on the wrong project. The path of the config is recorded without `..` and
with its symbolic links, because what a mounted config points to changes with every edit.

A project is known by its signers: marks of the secrets that sign its events. They stay when the
project's folder is moved.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from notifier.errors import StoreRefusedError
from notifier.store.connection import Connection, set_meta
from notifier.store.database import daemon_is_running
from notifier.store.files import log_of
from notifier.store.inspection import read_only
from notifier.store.write_ahead_log import belongs_to

_MISUSE = 78


def recorded_config(path: Path) -> Path | None:
    """Return the config that the store at `path` belongs to; None when no store can be read."""
    owner = _read(path, _config)
    return None if owner is None else Path(os.path.normpath(owner))


def recorded_signers(path: Path) -> frozenset[str]:
    """Return the signers of the project that the store at `path` belongs to; empty if unknown."""
    return frozenset(json.loads(_read(path, _signers) or "[]"))


def record_signers(db: Connection, signers: Iterable[str]) -> None:
    """Record the signers of the project that the store belongs to."""
    text = json.dumps(sorted(signers))
    set_meta(db, "signers", text)


def record_owner(db: Connection, signers: Iterable[str], config: Path) -> None:
    """Record the project that the store belongs to, and its config, which may be moved."""
    record_signers(db, signers)
    set_meta(db, "config", str(config))


def owner_of(db: Connection) -> tuple[frozenset[str], str]:
    """Return the signers of the project that the store belongs to, and its config."""
    found = dict(
        db.execute("SELECT key, value FROM meta WHERE key IN ('signers', 'config')").fetchall()
    )
    return frozenset(json.loads(found.get("signers", "[]"))), found.get("config", "")


def refuse_foreign(path: Path, config: Path) -> None:
    """Raise StoreRefusedError when the store at `path` belongs to another config."""
    owner = recorded_config(path)
    if owner is not None and not is_same_config(owner, config):
        raise StoreRefusedError(
            f"{path} holds the state of {owner}, not of {config}: nothing was done; "
            f"{_way_out(owner, config)}",
            exit_code=_MISUSE,
        )


def _way_out(owner: Path, config: Path) -> str:
    if _is_gone(owner):
        return f"if the project was moved, take its state over: notifier run --adopt -c {config}"
    return f"use -c {owner}, or give each config a [store] path of its own"


def _is_gone(path: Path) -> bool:
    try:
        return not path.exists()
    except OSError:  # a folder above is closed to this user
        return False


def is_same_config(one: Path, other: Path) -> bool:
    """Tell whether two paths name one config, by their text or because they are one file now."""
    if os.path.normpath(one) == os.path.normpath(other):
        return True
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # not there, or no path at all
        return False


def _read(path: Path, question: Callable[[sqlite3.Connection], str | None]) -> str | None:
    try:
        # a log of another database is not even read; the start says so
        if not path.is_file() or not (daemon_is_running(path) or belongs_to(path, log_of(path))):
            return None
        with closing(read_only(path)) as db:
            return question(db)
    except (OSError, sqlite3.Error):
        return None


def _config(db: sqlite3.Connection) -> str | None:
    return _meta(db, "config")


def _signers(db: sqlite3.Connection) -> str | None:
    return _meta(db, "signers")


def _meta(db: sqlite3.Connection, key: str) -> str | None:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]
