"""Reads the store beside the daemon, for commands; it never writes."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from notifier.errors import StoreError
from notifier.model.cluster_view import ClusterView
from notifier.model.views import EndpointView, EventSummary, EventView, WatchView
from notifier.model.watch import WatchKey
from notifier.store import cluster_views, queries
from notifier.store.connection import Connection
from notifier.store.database import daemon_is_running
from notifier.store.files import log_of
from notifier.store.inspection import read_only, refuse_unusable
from notifier.store.queries import ALL_WATCHES, EventFilter, WatchFilter
from notifier.store.schema import VERSION
from notifier.store.tailing import TailNews, TailPosition, tail_end, tail_news
from notifier.store.watches import open_by_gateway
from notifier.store.write_ahead_log import belongs_to, refuse_foreign_log

P = ParamSpec("P")
T = TypeVar("T")

MIGRATION_SECONDS = 5.0
"""How long a reader waits for a daemon that brings the store up to date, in seconds."""

_LOOK_EVERY = 0.02
_NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


class Query(Protocol):
    """Calls a function with a connection that shows one consistent view of the state."""

    def __call__(self, work: Callable[[Connection], T], /) -> T:
        """Return what `work` returns; raises StoreError."""


class Reader:
    """Answers queries, each from one consistent view of the state.

    Every method raises StoreError when the store cannot be read. `query` calls a function with a
    connection that shows such a view. `database_time` reads the clock that decides which
    instances live (Unix seconds).
    """

    def __init__(
        self,
        query: Query,
        database_time: Callable[[Connection], float] = lambda _: time.time(),
    ) -> None:
        self._query = query
        self._database_time = database_time

    def watches(self, wanted: WatchFilter = ALL_WATCHES) -> list[WatchView]:
        """Return the latest generation of every watch that is wanted, oldest first."""
        return self._run(queries.watches, wanted)

    def watch(self, key: WatchKey) -> WatchView | None:
        """Return the latest generation of one watch, None when it was never taken."""
        return self._run(queries.watch, key)

    def events(self, wanted: EventFilter) -> list[EventSummary]:
        """Return the events that are wanted, the latest first."""
        return self._run(queries.events, wanted)

    def event(self, event_id: str) -> EventView | None:
        """Return everything about one event, None when there is none."""
        return self._run(queries.event, event_id)

    def tail_end(self, now: float) -> TailPosition:
        """Return the position after everything that there is; `now` is in Unix seconds."""
        return self._run(tail_end, now)

    def tail_news(self, since: TailPosition, now: float) -> TailNews:
        """Return the events and outcomes that were committed after `since`, oldest first."""
        return self._run(tail_news, since, now)

    def endpoint_views(self) -> dict[str, EndpointView]:
        """Count the deliveries of each endpoint by state; the endpoint's name is the key."""
        return self._run(queries.endpoint_views)

    def open_watches(self) -> dict[str, int]:
        """Return how many watches are open, by gateway."""
        return self._run(open_by_gateway)

    def cluster(self) -> ClusterView:
        """Return the instances that share the store, and what each of them does."""
        return self._query(lambda db: cluster_views.read(db, self._database_time(db)))

    def _run(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return self._query(lambda db: function(db, *args, **kwargs))


class _FileQuery:
    """A Query of a store in a file."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def __call__(self, work: Callable[[Connection], T], /) -> T:
        with _translated():
            self._db.execute("BEGIN")
            try:
                return work(self._db)
            finally:
                self._db.execute("ROLLBACK")


@contextmanager
def open_reader(path: Path) -> Iterator[Reader | None]:
    """Open the store at `path` for reading; None when there is none yet.

    Waits up to MIGRATION_SECONDS while a daemon brings the store up to date. Raises StoreError
    when the file is there and cannot be read, StoreRefusedError when another program or a newer
    notifier wrote it, or when its log is another database's.
    """
    with open_any_version(path) as db:
        if db is not None:
            with _translated():
                _wait_for_migration(db, path)
        yield None if db is None else Reader(_FileQuery(db))


@contextmanager
def open_any_version(path: Path, called: str = "the store") -> Iterator[sqlite3.Connection | None]:
    """Connect to the store at `path`, of this version or an older one, for reading.

    Errors call it `called`. None when there is none yet. Raises as `open_reader` does.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from None
    with _translated(called):
        _refuse_foreign_log(path)
        db = read_only(path)
    try:
        with _translated(called):
            refuse_unusable(db, path)
            made = _version(db) > 0
        yield db if made else None
    finally:
        db.close()


def _refuse_foreign_log(path: Path) -> None:
    """Raise StoreRefusedError for a log of another database, unless a daemon has both open.

    A daemon changes the files while they are looked at, so they are looked at twice.
    """
    for _ in range(2):
        if daemon_is_running(path) or belongs_to(path, log_of(path)):
            return
    refuse_foreign_log(path, log_of(path))


def _wait_for_migration(db: sqlite3.Connection, path: Path) -> None:
    """Return when the store has this version; raises StoreError if no daemon brings it there."""
    patience_ends = time.monotonic() + MIGRATION_SECONDS
    while _is_older(db, path):
        # looked at again: the daemon that brought it up to date may just have ended
        if not daemon_is_running(path) and _is_older(db, path):
            raise StoreError(
                f"{path} was written by an older notifier: notifier run brings it up to date"
            )
        if time.monotonic() > patience_ends:
            raise StoreError(
                f"{path} was written by an older notifier: wait until the daemon has brought it "
                "up to date, or restart the daemon if it is an older one"
            )
        time.sleep(_LOOK_EVERY)


def _is_older(db: sqlite3.Connection, path: Path) -> bool:
    refuse_unusable(db, path)
    return 0 < _version(db) < VERSION


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def _translated(called: str = "the store") -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_WRITABLE:
            raise StoreError(
                f"{called} cannot be read: SQLite writes beside it, and this user may not; run "
                "this as the user of the daemon"
            ) from None
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{called} cannot be read: {reason}") from None
