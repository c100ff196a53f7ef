"""Fences in SQL: whether who writes still owns what it writes about."""

from collections.abc import Collection, Iterable

from notifier.model.lease import Fence
from notifier.store.connection import SHARED_LOCK, Connection

_OWNED = "SELECT 1 FROM leases WHERE name = ? AND owner = ? AND epoch = ?"


def holds(db: Connection, fence: Fence) -> bool:
    """Tell whether an ownership lasts; if it does, it lasts until the end of this transaction."""
    return db.execute(f"{_OWNED} {SHARED_LOCK}", fence).fetchone() is not None


def lasts(db: Connection, fence: Fence) -> bool:
    """Tell whether an ownership lasts at this moment, for a query that only reads."""
    return db.execute(_OWNED, fence).fetchone() is not None


def those_over(db: Connection, fences: Iterable[Fence | None]) -> Collection[Fence | None]:
    """Return those of `fences` whose ownership is over; None is of a store that nobody shares."""
    # in one order, so that two transactions never wait for each other
    return {fence for fence in sorted({one for one in fences if one}) if not holds(db, fence)}
