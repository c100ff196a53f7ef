"""Reading the store beside the daemon: for commands that look and never write."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from notifier.errors import StoreError
from notifier.model.watch import Watch, WatchKey
from notifier.store import endpoints
from notifier.store.codec import WATCH_COLUMNS, load_watch
from notifier.store.database import read_only, refuse_unusable


@dataclass(frozen=True, slots=True)
class WatchView:
    """A watch, and its event with how the event's deliveries stand, once it has one."""

    watch: Watch
    event_id: str | None
    event_type: str | None
    deliveries: dict[str, int]


@dataclass(frozen=True, slots=True)
class EndpointView:
    """How one endpoint's deliveries stand; `disabled` has the reason when it is off."""

    deliveries: dict[str, int]
    disabled: str | None


class Reader:
    """Questions about the state, each answered from one consistent view of it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def watches(self) -> list[WatchView]:
        """Return the latest generation of every watch, oldest first."""
        return self._views("")

    def watch(self, key: WatchKey) -> WatchView | None:
        """Return the latest generation of one watch, None when it was never taken."""
        views = self._views("AND gateway = ? AND video_id = ?", key)
        return views[0] if views else None

    def endpoint(self, name: str) -> EndpointView:
        """Return how the deliveries of one endpoint stand."""
        with _translated():
            counts = self._db.execute(
                "SELECT state, count(*) FROM deliveries WHERE endpoint = ? GROUP BY state", (name,)
            ).fetchall()
            return EndpointView(dict(counts), endpoints.disabled(self._db).get(name))

    def _views(self, condition: str, values: Sequence[str] = ()) -> list[WatchView]:
        columns = ", ".join(f"w.{name}" for name in WATCH_COLUMNS.split(", "))
        with _translated():
            rows = self._db.execute(
                f"SELECT {columns}, e.id, e.type FROM watches w "
                "LEFT JOIN events e ON e.watch = w.id WHERE w.generation = "
                "(SELECT max(generation) FROM watches o WHERE o.gateway = w.gateway"
                f" AND o.video_id = w.video_id) {condition} ORDER BY w.id",
                values,
            ).fetchall()
            return [
                WatchView(load_watch(row[:-2]), row[-2], row[-1], self._deliveries(row[-2]))
                for row in rows
            ]

    def _deliveries(self, event: str | None) -> dict[str, int]:
        return dict(
            self._db.execute(
                "SELECT state, count(*) FROM deliveries WHERE event = ? GROUP BY state", (event,)
            ).fetchall()
        )


@contextmanager
def open_reader(path: Path) -> Iterator[Reader | None]:
    """Open the store at `path` for reading; None when there is none yet.

    Raises StoreError when the file is there and cannot be read, StoreRefusedError when it is
    none of ours or a newer notifier wrote it.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None
    with _translated():
        db = read_only(path)
    try:
        with _translated():
            refuse_unusable(db, path)
            made = _is_made(db)
        yield Reader(db) if made else None
    finally:
        db.close()


def _is_made(db: sqlite3.Connection) -> bool:
    """Tell whether the daemon has got as far as making its tables."""
    return bool(db.execute("PRAGMA user_version").fetchone() != (0,))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"the store cannot be read: {error}") from None
