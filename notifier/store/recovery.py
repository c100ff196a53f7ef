"""Putting the state in order at the start: what a dead process, or a wrong clock, left behind."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.model.health import Health
from notifier.store import clock_base, endpoints, outbox, watches


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What became of endpoints: those that are gone, those enabled, and how all are doing."""

    removed: Sequence[str]
    enabled: Sequence[str]
    health: Mapping[str, Health]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found: a count of deliveries, and endpoints with the reason why they are off.

    `clock_set_back` is by how many seconds the clock is behind what the state says.
    """

    interrupted: int
    reconciled: Reconciled
    disabled: Mapping[str, str]
    clock_set_back: float


def reconcile_endpoints(
    db: sqlite3.Connection, url_marks: Mapping[str, str], now: float
) -> Reconciled:
    """Make the state fit the endpoints that are configured; see `Store.reconcile_endpoints`."""
    endpoints.keep_marks(db, url_marks)
    return Reconciled(
        outbox.cancel_removed(db, url_marks.keys(), now),
        endpoints.enable_changed(db, url_marks, now),
        endpoints.health(db),
    )


def recover(
    db: sqlite3.Connection, url_marks: Mapping[str, str], longest_wait: float, now: float
) -> Recovery:
    """Put everything in order; see `Store.recover`."""
    set_back = clock_base.rebase(db, now)
    interrupted = outbox.release_interrupted(db)
    _bring_forward(db, now + longest_wait)
    watches.bring_back(db, now)
    reconciled = reconcile_endpoints(db, url_marks, now)
    return Recovery(interrupted, reconciled, endpoints.disabled(db), set_back)


def _bring_forward(db: sqlite3.Connection, latest: float) -> None:
    """Let no delivery be due after `latest`: what a clock years ahead wrote may be pruned."""
    db.execute(
        "UPDATE deliveries SET due_at = ? WHERE state = 'pending' AND due_at > ?",
        (latest, latest),
    )
