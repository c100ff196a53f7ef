"""Counts deliveries by state: for `--exit-when-done`, for status and for metrics."""

from collections.abc import Collection
from dataclasses import dataclass

from notifier.model.workload import Backlog
from notifier.store.connection import Connection
from notifier.store.endpoints import disabled


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


def count_deliveries(db: Connection, since: float) -> DeliveryCounts:
    """Count what is not settled, and what was settled at `since` (Unix seconds) or later."""
    pending = held = 0
    off = disabled(db)
    for endpoint, counts in counts_by_endpoint(db).items():
        if endpoint in off:
            held += counts.get("pending", 0)
        else:
            pending += counts.get("pending", 0)
    settled = dict(
        db.execute(
            "SELECT state, count(*) FROM deliveries WHERE settled_at >= ? GROUP BY state", (since,)
        ).fetchall()
    )
    return DeliveryCounts(
        pending=pending,
        held=held,
        delivered=settled.get("delivered", 0),
        dead=settled.get("dead", 0),
        cancelled=settled.get("cancelled", 0),
    )


def counts_by_endpoint(db: Connection) -> dict[str, dict[str, int]]:
    """Return how many deliveries each endpoint has by state, as the schema's triggers count."""
    counts: dict[str, dict[str, int]] = {}
    for endpoint, state, count in db.execute(
        "SELECT endpoint, state, count FROM delivery_counts WHERE count > 0"
    ):
        counts.setdefault(endpoint, {})[state] = count
    return counts


def backlogs(db: Connection, disabled: Collection[str]) -> dict[str, Backlog]:
    """Count the deliveries that are not delivered, by endpoint; without empty ones."""
    counts = counts_by_endpoint(db)
    return {
        name: Backlog(
            pending=0 if name in disabled else states.get("pending", 0),
            held=states.get("pending", 0) if name in disabled else 0,
            dead=states.get("dead", 0),
        )
        for name, states in counts.items()
        if states.get("pending") or states.get("dead")
    }
