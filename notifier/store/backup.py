"""Backs the store up beside a running daemon, and puts a backup in the store's place.

A backup is one complete database in one private file, checked before it appears under its name.
Restoring keeps the replaced state aside as `NAME.replaced-TIME`, its log with it. While it moves
files, `NAME.restoring` exists and holds the name of what is kept aside: a restore that was killed
is not taken for an empty store, and the next one goes on where it stopped.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from notifier.errors import StoreError, StoreRefusedError
from notifier.store.creation import made_aside
from notifier.store.database import daemon_is_running
from notifier.store.files import (
    COMPANIONS,
    beside,
    is_missing,
    lock_of,
    make_folder,
    make_private,
    real,
    sync,
)
from notifier.store.inspection import restoring_of
from notifier.store.lock import DatabaseLock, FileLock
from notifier.store.reader import open_any_version

_OWN_ENDINGS = ("", *COMPANIONS, ".lock", ".new", ".restoring")


def back_up(path: Path, target: Path, *, replace: bool = False) -> int:
    """Write a checked copy of the store at `path` to the file `target`; return its size.

    A daemon may be running. A file that exists is replaced only with `replace`. Raises StoreError;
    nothing is left at `target` then, or what was there.
    """
    if target.resolve() in {beside(path, ending).resolve() for ending in _OWN_ENDINGS}:
        raise StoreError(f"{target} belongs to the store itself: name another file")
    if target.exists() and (not target.is_file() or not replace):
        raise StoreError(f"{target} exists: name another file, or replace it with --force")
    with _explained(target), open_any_version(path) as db:
        if db is None:
            raise StoreError(f"there is no store at {path} yet")
        with made_aside(target, ".incomplete") as copy:
            _copy(db, copy, path)
        return target.stat().st_size


def restore(path: Path, source: Path) -> Path | None:
    """Put a copy of the store in the file `source` at `path`; return where the replaced one is.

    `source` stays as it is. Raises StoreRefusedError while a daemon has the store, StoreError when
    `source` holds no sound store; nothing is changed then.
    """
    path = real(path)
    if source.resolve() in {beside(path, ending).resolve() for ending in _OWN_ENDINGS}:
        raise StoreError(f"{source} belongs to the store itself: name a backup")
    if source.exists() and not source.is_file():
        raise StoreError(f"{source} is not a file: name a backup")
    if daemon_is_running(path):
        raise StoreRefusedError(f"a daemon is running on {path}: stop it first, then restore")
    with _explained(path), ExitStack() as held:
        make_folder(path.parent)
        held.enter_context(FileLock(lock_of(path)))
        if not is_missing(path):
            held.enter_context(DatabaseLock(path, lock_of(path)))
        db = held.enter_context(open_any_version(source, str(source)))
        if db is None:
            found = "holds no store" if source.exists() else "does not exist"
            raise StoreError(f"{source} {found}")
        with made_aside(path) as copy:
            _copy(db, copy, source)
            kept = _begin(path)
            moved = _move_aside(path, kept)
        restoring_of(path).unlink()
        sync(path.parent)
        return kept if moved or kept.exists() else None


def _copy(db: sqlite3.Connection, copy: sqlite3.Connection, path: Path) -> None:
    """Fill `copy` from one moment of the store at `path`, and check it."""
    db.backup(copy)
    # so that it is one file, with no log beside it
    copy.execute("PRAGMA journal_mode = DELETE")
    (verdict,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise StoreError(f"{path} is damaged: {verdict}")


def _begin(path: Path) -> Path:
    """Record that files are being moved; return where what is replaced is kept."""
    record = restoring_of(path)
    if record.exists() and (name := record.read_text("utf-8").strip()):
        return path.with_name(name)
    record.unlink(missing_ok=True)
    kept = beside(path, f".replaced-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    make_private(record)
    record.write_text(kept.name, "utf-8")
    sync(record)
    sync(path.parent)
    return kept


def _move_aside(path: Path, kept: Path) -> bool:
    """Move the database and its companions, unless an interrupted restore has moved them."""
    moved = False
    for ending in ("", *COMPANIONS):
        file, goal = beside(path, ending), beside(kept, ending)
        if file.exists() and not goal.exists():
            file.rename(goal)
            moved = True
    sync(path.parent)
    return moved


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"cannot write {path}: {reason}") from None
