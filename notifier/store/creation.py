"""Makes a new store whole before it appears at its path.

The file is made aside as `NAME.new`, with all its tables and the name of its config, synced, and
then renamed into place. So a reader finds either nothing or a complete store. A start that is
killed in the middle leaves only files aside, which the next start replaces. The caller holds the
store's lock.
"""

import os
import sqlite3
from pathlib import Path

from notifier.store.codec import decode_text
from notifier.store.schema import migrate

_ASIDE = ".new"
_COMPANIONS = ("", "-wal", "-shm", "-journal")


def create(path: Path, config: Path) -> None:
    """Make the store of the configuration file `config`, then put it at `path`.

    Replaces an empty file at `path`. Raises OSError and sqlite3.Error.
    """
    aside = path.with_name(path.name + _ASIDE)
    _remove(aside)
    # made before SQLite opens it, so that it is private from its first byte
    os.close(os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        _fill(aside, config)
        _sync(aside)
        aside.replace(path)
    except BaseException:
        _remove(aside)
        raise
    _sync(path.parent)


def _fill(path: Path, config: Path) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.text_factory = decode_text
        db.execute("PRAGMA synchronous = FULL")
        migrate(db)
        record_config(db, config)
        # last, so that the log that belongs to this name is gone when the file is closed
        db.execute("PRAGMA journal_mode = WAL")
    finally:
        db.close()


def record_config(db: sqlite3.Connection, config: Path) -> None:
    """Record which configuration file the state belongs to."""
    db.execute("INSERT OR REPLACE INTO meta VALUES ('config', ?)", (str(config),))


def _remove(path: Path) -> None:
    for suffix in _COMPANIONS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Put what `path` holds onto the disk: a file's bytes, or a folder's names."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
