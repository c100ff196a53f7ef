"""Fences in SQL: whether who writes still owns what it writes about."""

from notifier.model.lease import Fence
from notifier.store.connection import Connection


def holds(db: Connection, fence: Fence) -> bool:
    """Tell whether an ownership lasts; if it does, it lasts until the end of this transaction."""
    row = db.execute(
        "SELECT 1 FROM leases WHERE name = ? AND owner = ? AND epoch = ?", fence
    ).fetchone()
    return row is not None
