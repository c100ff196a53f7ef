"""Counts deliveries by state: for `--exit-when-done`, for status and for metrics."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from notifier.model.workload import Backlog
from notifier.store.outbox import ENABLED


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """How many deliveries are in each state.

    `pending` are those that are or will be due, `held` the pending ones of disabled endpoints.
    """

    pending: int
    held: int
    delivered: int
    dead: int
    cancelled: int


def count_deliveries(db: sqlite3.Connection, since: float) -> DeliveryCounts:
    """Count unsettled deliveries, and those settled at `since` (Unix seconds) or later."""
    counts = dict(
        db.execute(
            "SELECT state, count(*) FROM deliveries "
            "WHERE settled_at IS NULL OR settled_at >= ? GROUP BY state",
            (since,),
        ).fetchall()
    )
    (held,) = db.execute(
        f"SELECT count(*) FROM deliveries WHERE state = 'pending' AND NOT {ENABLED}"
    ).fetchone()
    return DeliveryCounts(
        pending=counts.get("pending", 0) - held,
        held=held,
        delivered=counts.get("delivered", 0),
        dead=counts.get("dead", 0),
        cancelled=counts.get("cancelled", 0),
    )


def backlogs(db: sqlite3.Connection, disabled: Collection[str]) -> dict[str, Backlog]:
    """Count undelivered deliveries by endpoint; endpoints without any are left out."""
    pending = _counted(db, "pending")
    dead = _counted(db, "dead")
    return {
        name: Backlog(
            pending=0 if name in disabled else pending.get(name, 0),
            held=pending.get(name, 0) if name in disabled else 0,
            dead=dead.get(name, 0),
        )
        for name in {*pending, *dead}
    }


def _counted(db: sqlite3.Connection, state: str) -> dict[str, int]:
    # the state stands in the text of the query: partial indexes are found by that
    rows = db.execute(
        f"SELECT endpoint, count(*) FROM deliveries WHERE state = '{state}' GROUP BY endpoint"
    )
    return dict(rows.fetchall())
