"""Fences in SQL: whether who writes still owns what it writes about."""

from collections.abc import Collection, Iterable

from notifier.model.lease import Fence
from notifier.store.connection import FOR_SHARE, Connection


def holds(db: Connection, fence: Fence) -> bool:
    """Tell whether an ownership lasts; if it does, it lasts until the end of this transaction."""
    row = db.execute(
        f"SELECT 1 FROM leases WHERE name = ? AND owner = ? AND epoch = ? {FOR_SHARE}", fence
    ).fetchone()
    return row is not None


def those_over(db: Connection, fences: Iterable[Fence | None]) -> Collection[Fence | None]:
    """Return those of `fences` whose ownership is over; None is of a store that nobody shares."""
    return {fence for fence in set(fences) if fence is not None and not holds(db, fence)}
