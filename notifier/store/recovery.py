"""Putting the state in order at the start: what a dead process, or a wrong clock, left behind.

Between two processes the wall clock is all there is, and it may have been set back meanwhile:
what was recorded after today shows by how much. Waits are then measured from when they began.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.model.health import Health
from notifier.store import endpoints, outbox, watches


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found: a count of deliveries, names of endpoints and how those are doing.

    `clock_set_back` is by how many seconds the clock is behind what the state says.
    """

    interrupted: int
    removed_endpoints: Sequence[str]
    enabled_endpoints: Sequence[str]
    disabled_endpoints: Mapping[str, str]
    health: Mapping[str, Health]
    clock_set_back: float


def recover(
    db: sqlite3.Connection, url_marks: Mapping[str, str], longest_wait: float, now: float
) -> Recovery:
    """Put everything in order; see `Store.recover`."""
    interrupted = outbox.release_interrupted(db)
    set_back = max(_latest_record(db) - now, 0.0)
    _bring_forward(db, set_back, now, longest_wait)
    watches.bring_back(db, now)
    return Recovery(
        interrupted,
        outbox.cancel_removed(db, url_marks.keys(), now),
        endpoints.enable_changed(db, url_marks, now),
        endpoints.disabled(db),
        endpoints.health(db),
        set_back,
    )


def _latest_record(db: sqlite3.Connection) -> float:
    """Return the latest moment at which anything about a delivery was recorded."""
    (latest,) = db.execute(
        "SELECT max(coalesce((SELECT max(recorded_at) FROM events), 0),"
        " coalesce((SELECT max(last_failure) FROM endpoints), 0),"
        " coalesce((SELECT max(settled_at) FROM deliveries), 0))"
    ).fetchone()
    return float(latest)


def _bring_forward(
    db: sqlite3.Connection, set_back: float, now: float, longest_wait: float
) -> None:
    """Let every delivery wait as long as it was meant to, and never beyond `longest_wait`.

    The second holds for what was recorded while the clock was years ahead, and pruned since.
    """
    db.execute(
        "UPDATE deliveries SET due_at = min(max(due_at - ?, ?), ?) "
        "WHERE state = 'pending' AND due_at > ?",
        (set_back, now, now + longest_wait, now),
    )
