"""Putting the state in order at the start: what a dead process, or a wrong clock, left behind."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.model.health import Health
from notifier.store import endpoints, outbox, timebase, watches


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
    set_back = timebase.rebase(db, now)
    interrupted = outbox.release_interrupted(db)
    _bring_forward(db, now + longest_wait)
    watches.bring_back(db, now)
    return Recovery(
        interrupted,
        outbox.cancel_removed(db, url_marks.keys(), now),
        endpoints.enable_changed(db, url_marks, now),
        endpoints.disabled(db),
        endpoints.health(db),
        set_back,
    )


def _bring_forward(db: sqlite3.Connection, latest: float) -> None:
    """Let no delivery be due after `latest`: what a clock years ahead wrote may be pruned."""
    db.execute(
        "UPDATE deliveries SET due_at = ? WHERE state = 'pending' AND due_at > ?",
        (latest, latest),
    )
