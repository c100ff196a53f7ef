"""Reads the store in PostgreSQL beside the daemon, for commands; it never writes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from notifier.errors import StoreError
from notifier.store.connection import Connection
from notifier.store.postgres.connection import FAILURES, translated
from notifier.store.postgres.schema import VERSION, version_of
from notifier.store.postgres.session import Session

T = TypeVar("T")


class ReadingSession:
    """Answers queries, each from one consistent view of all commits."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def query(self, work: Callable[[Connection], T], /) -> T:
        """Return what `work` reads; raises StoreError."""
        try:
            db = self._session.connected()
            db.end_within(self._session.call)
            with db.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"):
                return work(db)
        except FAILURES as error:
            raise translated(error, "read") from None

    def close(self) -> None:
        """Close the connection; the next query makes a new one."""
        self._session.close()


@contextmanager
def open_database(url: Callable[[], str], lease: float) -> Iterator[ReadingSession | None]:
    """Connect to the store for reading; None when there is none yet.

    `lease` is what limits of time are fractions of, in seconds. Raises StoreError when it
    cannot be read, StoreRefusedError when another program or a newer notifier made it.
    """
    session = ReadingSession(Session(url, "notifier-command", lease=lease))
    try:
        yield session if session.query(is_made) else None
    finally:
        session.close()


def is_made(db: Connection) -> bool:
    """Tell whether the tables of this version are there; raises StoreError for an older one."""
    version = version_of(db)
    if 0 < version < VERSION:
        raise StoreError(
            "the store was written by an older notifier: notifier run brings it up to date"
        )
    return version > 0
