"""Records an attempt in SQL: its outcome, its delivery and the health of its endpoint."""

from collections.abc import Sequence
from typing import NamedTuple

from notifier.model.delivery import AttemptRecord, Claim, Delivered, Hold, RetryAt, Settlement
from notifier.model.event import NewEvent
from notifier.model.health import Health
from notifier.store import endpoints, outbox
from notifier.store.connection import Connection


class Received(NamedTuple):
    """Attempts that were received, recorded `now` (Unix seconds)."""

    made: Sequence[tuple[Claim, AttemptRecord]]
    now: float


def record(
    db: Connection,
    claim: Claim,
    attempt: AttemptRecord,
    settlement: Settlement,
    health: Health | None,
    notice: NewEvent | None,
    now: float,
) -> bool:
    """Store an attempt and what follows from it; return whether `notice` was recorded.

    It is recorded when the endpoint is disabled by this attempt, or has its first success after
    that.
    """
    if health is None:
        outbox.record_attempt(db, claim, attempt, settlement, now)
        return False
    if not isinstance(settlement, Delivered) and endpoints.has_moved(db, claim.endpoint, health):
        # the endpoint has another URL now, which has not failed
        outbox.record_attempt(db, claim, attempt, RetryAt(now, free=True), now)
        return False
    counts = outbox.record_attempt(db, claim, attempt, settlement, now)
    if not counts and not isinstance(settlement, Delivered):
        return False  # another instance attempts it now, and knows the endpoint's health
    if isinstance(settlement, Delivered):
        changed = endpoints.note_success(db, claim.endpoint)
    else:
        endpoints.note_failure(db, claim.endpoint, health)
        changed = isinstance(settlement, Hold) and endpoints.disable(
            db, claim.endpoint, settlement.reason, now
        )
    if changed and notice is not None:
        outbox.record_notice(db, notice, claim.endpoint, now)
    return changed


def record_delivered(db: Connection, batches: Sequence[Received]) -> list[None]:
    """Store attempts that were received, and what that says of their endpoints."""
    outbox.record_delivered(db, [(*each, batch.now) for batch in batches for each in batch.made])
    endpoints.forget_failures(db, {claim.endpoint for batch in batches for claim, _ in batch.made})
    return [None] * len(batches)
