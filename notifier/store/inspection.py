"""Decides whether a file may be used as the store, without writing to it.

Everything is refused with one sentence and left byte for byte as it was found.
"""

import sqlite3
from pathlib import Path
from urllib.parse import quote

from notifier.errors import StoreRefusedError
from notifier.store.codec import decode_text
from notifier.store.files import beside, is_missing, log_of
from notifier.store.schema import VERSION
from notifier.store.write_ahead_log import refuse_foreign_log

_MISUSE = 78
_SMALLEST = 512  # bytes; SQLite takes a shorter file for an empty database

BUSY_SECONDS = 5.0
"""How long another process's lock on the file is waited for, in seconds."""


def restoring_of(path: Path) -> Path:
    """Return the file that exists while the store at `path` is being restored."""
    return beside(path, ".restoring")


def inspect(path: Path) -> None:
    """Raise StoreRefusedError for a file at `path` that this process may not use.

    A missing file may be used, unless a log or an interrupted restore shows that there was one. No
    SQLite connection of this process may be open. Raises OSError and sqlite3.Error.
    """
    if restoring_of(path).exists():
        raise StoreRefusedError(
            f"restoring {path} was interrupted: run the same notifier restore again"
        )
    log = log_of(path)
    if not is_missing(path):
        refuse_foreign_log(path, log)
        _refuse_by_content(path)
    elif not is_missing(log):
        raise StoreRefusedError(
            f"{log} holds commits of a database that is missing or empty: put {path.name} back, "
            "or move the log away as well"
        )


def _refuse_by_content(path: Path) -> None:
    # a connection that can write folds the log of a process that was killed into the file as soon
    # as it is closed, and deletes a log beside an empty file: this one can only read
    db = read_only(path)
    try:
        refuse_unusable(db, path)
    finally:
        db.close()


def read_only(path: Path) -> sqlite3.Connection:
    """Connect to the database at `path` for reading; raises sqlite3.Error."""
    # mode=ro and never `immutable`, which would not see what the daemon commits
    db = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_SECONDS,
    )
    db.text_factory = decode_text
    return db


def refuse_unusable(db: sqlite3.Connection, path: Path) -> None:
    """Raise StoreRefusedError for a file that holds no store, or that of a newer notifier."""
    if 0 < path.stat().st_size < _SMALLEST:
        raise StoreRefusedError(f"{path} is not a database: it is too short")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise StoreRefusedError(
            f"{path} was written by a newer notifier (schema {version}, this one knows "
            f"{VERSION}): run the newer one, or set another [store] path",
            exit_code=_MISUSE,
        )
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version == 0 and tables:
        raise StoreRefusedError(f"{path} is a database of some other program", exit_code=_MISUSE)
