"""Fences in SQL: whether who writes still owns what it writes about."""

from collections.abc import Callable, Collection, Iterable

from notifier.model.lease import Fence
from notifier.store.connection import SHARED_LOCK, TEXTS, Connection, listed

_OWNED = "SELECT 1 FROM leases WHERE name = ? AND owner = ? AND epoch = ?"


def holds(db: Connection, fence: Fence) -> bool:
    """Tell whether an ownership lasts; if it does, it lasts until the end of this transaction."""
    return db.execute(f"{_OWNED} {SHARED_LOCK}", fence).fetchone() is not None


def lasts(db: Connection, fence: Fence) -> bool:
    """Tell whether an ownership lasts at this moment, for a query that only reads."""
    return db.execute(_OWNED, fence).fetchone() is not None


def those_over(db: Connection, fences: Iterable[Fence | None]) -> Collection[Fence | None]:
    """Return those of `fences` whose ownership is over; None is of a store that nobody shares.

    One statement, however many they are; in one order, so that two transactions never wait for
    each other.
    """
    return ask_those_over(db, fences)()


def ask_those_over(
    db: Connection, fences: Iterable[Fence | None]
) -> Callable[[], Collection[Fence | None]]:
    """Do the same, but return what gives the answer, so that more can be asked meanwhile."""
    shown = {fence for fence in fences if fence is not None}
    if not shown:
        return lambda: shown
    rows = db.execute(
        f"SELECT name, owner, epoch FROM leases WHERE name IN {TEXTS} AND owner IS NOT NULL "
        f"ORDER BY name {SHARED_LOCK}",
        (listed(sorted({fence.lease for fence in shown})),),
    )
    return lambda: shown - {Fence(*row) for row in rows}
