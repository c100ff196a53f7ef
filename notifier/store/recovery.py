"""Repairs the state at the start, after a crash or a wrong clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifier.model.delivery import CancelledDeliveries
from notifier.model.health import Health
from notifier.model.steady_base import SteadyBase
from notifier.store import callback_hosts, clock_base, configured, endpoints, outbox, watches
from notifier.store.connection import Connection


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was cancelled, which endpoints were enabled, and the health of all."""

    cancelled: Sequence[CancelledDeliveries]
    enabled: Sequence[str]
    health: Mapping[str, Health]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found: `interrupted` deliveries, and disabled endpoints with their reasons.

    `clock_set_back` is by how many seconds the clock is behind the newest record.
    """

    interrupted: int
    reconciled: Reconciled
    disabled: Mapping[str, str]
    clock_set_back: float


def reconcile_endpoints(db: Connection, url_marks: Mapping[str, str], now: float) -> Reconciled:
    """Make the state fit the endpoints that are configured; see `Store.reconcile_endpoints`."""
    endpoints.keep_marks(db, url_marks)
    return Reconciled(
        outbox.cancel_removed(db, url_marks.keys(), now),
        endpoints.enable_changed(db, url_marks, now),
        endpoints.health(db),
    )


def recover(
    db: Connection,
    url_marks: Mapping[str, str],
    longest_wait: float,
    base: SteadyBase,
    now: float,
) -> Recovery:
    """Repair the state; see `Store.recover`."""
    set_back = clock_base.rebase(db, now, base)
    interrupted = outbox.release_interrupted(db)
    bring_forward(db, now + longest_wait)
    callback_hosts.restart(db, now)
    watches.bring_back(db, now)
    reconciled = reconcile_endpoints(db, url_marks, now)
    return Recovery(interrupted, reconciled, endpoints.disabled(db), set_back)


def fit(db: Connection, instance: str, url_marks: Mapping[str, str], now: float) -> Reconciled:
    """Make the state fit the endpoints of one of several instances."""
    configured.configure(db, instance, "endpoint", url_marks, now)
    return Reconciled((), endpoints.enable_changed(db, url_marks, now), endpoints.health(db))


def join(db: Connection, instance: str, url_marks: Mapping[str, str], now: float) -> Recovery:
    """Return what one of several instances finds; the others go on meanwhile."""
    return Recovery(0, fit(db, instance, url_marks, now), endpoints.disabled(db), 0.0)


def bring_forward(db: Connection, latest: float) -> int:
    """Make deliveries due at `latest` at the latest; return how many were due later.

    A clock years ahead may have written them.
    """
    return db.execute(
        "UPDATE deliveries SET due_at = ? WHERE state = 'pending' AND due_at > ?",
        (latest, latest),
    ).rowcount
