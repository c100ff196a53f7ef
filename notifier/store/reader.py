"""Reading the store beside the daemon: for commands that look and never write."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from notifier.errors import StoreError
from notifier.model.views import EndpointView, EventSummary, EventView, WatchView
from notifier.model.watch import WatchKey
from notifier.store import queries
from notifier.store.database import read_only, refuse_unusable
from notifier.store.queries import ALL_WATCHES, EventFilter, WatchFilter
from notifier.store.schema import VERSION
from notifier.store.watches import open_by_gateway

P = ParamSpec("P")
T = TypeVar("T")


class Reader:
    """Questions about the state, each answered from one consistent view of it.

    Every method raises StoreError when the store cannot be read.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def watches(self, wanted: WatchFilter = ALL_WATCHES) -> list[WatchView]:
        """Return the latest generation of every watch that is wanted, oldest first."""
        return self._ask(queries.watches, wanted)

    def watch(self, key: WatchKey) -> WatchView | None:
        """Return the latest generation of one watch, None when it was never taken."""
        return self._ask(queries.watch, key)

    def events(self, wanted: EventFilter) -> list[EventSummary]:
        """Return the events that are wanted, the latest first."""
        return self._ask(queries.events, wanted)

    def event(self, event_id: str) -> EventView | None:
        """Return everything about one event, None when there is none."""
        return self._ask(queries.event, event_id)

    def endpoint_views(self) -> dict[str, EndpointView]:
        """Return how the deliveries of each endpoint stand, by its name."""
        return self._ask(queries.endpoint_views)

    def open_watches(self) -> dict[str, int]:
        """Return how many watches are open, by gateway."""
        return self._ask(open_by_gateway)

    def _ask(
        self,
        function: Callable[Concatenate[sqlite3.Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        with _translated():
            return function(self._db, *args, **kwargs)


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
            made = _is_made(db, path)
        yield Reader(db) if made else None
    finally:
        db.close()


def _is_made(db: sqlite3.Connection, path: Path) -> bool:
    """Tell whether the daemon has got as far as making its tables."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if 0 < version < VERSION:
        raise StoreError(
            f"{path} was written by an older notifier: notifier run brings it up to date"
        )
    return bool(version)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"the store cannot be read: {error}") from None
