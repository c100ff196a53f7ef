"""The outbox in SQL: events, their deliveries and what became of every attempt.

A delivery is pending until it is delivered, dead or cancelled. While a lane attempts it,
`in_flight` is the attempt's number. A delivery that a crash leaves in flight is released at the
next start and costs no retry.
"""

import json
from collections.abc import Collection, Sequence

from notifier.model.delivery import (
    AttemptRecord,
    CancelledDeliveries,
    Claim,
    DeadLetter,
    Delivered,
    Format,
    Hold,
    RetryAt,
    Settlement,
)
from notifier.model.event import EventKind, NewEvent
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.job_sample import JobSample
from notifier.model.video import Snapshot
from notifier.model.watch import callback_lane
from notifier.store import callback_hosts, downloads, expiry_timers, job_samples
from notifier.store.codec import dump_snapshot
from notifier.store.connection import TEXTS, Connection, listed
from notifier.store.endpoints import is_configured


def record_ending(
    db: Connection,
    watch: int,
    event: NewEvent,
    last: Snapshot,
    now: float,
    *,
    sample: JobSample | None = None,
    plan: FollowUpPlan = NO_FOLLOW_UP,
) -> bool:
    """Close an open watch, put its event and deliveries into the outbox; keep sample and plan.

    Returns False, and changes nothing, when the watch is not open any more.
    """
    closed = db.execute(
        "UPDATE watches SET state = 'ended', closed_at = ?, snapshot = ? "
        "WHERE id = ? AND state = 'open'",
        (now, dump_snapshot(last), watch),
    )
    if closed.rowcount == 0:
        return False
    _insert(db, event, now, watch=watch, kind=EventKind.ENDING)
    _insert_callback(db, event.id, watch, now)
    _insert_removed(db, event.id, watch, now)
    if sample is not None:
        job_samples.add(db, sample, now)
    if plan.expires_at is not None:
        expiry_timers.add(db, watch, plan.expires_at)
    if plan.archive:
        downloads.add(db, watch, now, plan.expires_at)
    return True


def record_follow_up(
    db: Connection, watch: int, kind: EventKind, event: NewEvent, now: float
) -> bool:
    """Put an event after the ending into the outbox; False if the watch has one of this kind."""
    known = "SELECT 1 FROM events WHERE watch = ? AND kind = ?"
    if db.execute(known, (watch, kind)).fetchone() is not None:
        return False
    _insert(db, event, now, watch=watch, kind=kind)
    _insert_removed(db, event.id, watch, now)
    return True


def record_notice(db: Connection, event: NewEvent, endpoint: str, now: float) -> None:
    """Put an event about `endpoint` and its deliveries into the outbox."""
    _insert(db, event, now, about=endpoint)


def _insert(
    db: Connection,
    event: NewEvent,
    now: float,
    *,
    watch: int | None = None,
    kind: EventKind | None = None,
    about: str | None = None,
) -> None:
    db.execute(
        "INSERT INTO events (id, watch, kind, about, type, created_at, recorded_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (event.id, watch, kind, about, event.type, event.created_at, now),
    )
    db.executemany(
        "INSERT INTO bodies (event, format, body) VALUES (?, ?, ?)",
        ((event.id, form, body) for form, body in event.bodies.items()),
    )
    db.executemany(
        "INSERT INTO deliveries (event, endpoint, format, due_at) VALUES (?, ?, ?, ?)",
        ((event.id, name, form, now) for name, form in event.endpoints),
    )


def _insert_callback(db: Connection, event: str, watch: int, now: float) -> None:
    """Add the delivery to the URL that the watch names itself, if it does."""
    row = db.execute("SELECT url, endpoint FROM callbacks WHERE watch = ?", (watch,)).fetchone()
    if row is not None:
        url, lane = row[0], callback_lane(row[1])
        db.execute(
            "INSERT INTO deliveries (event, endpoint, format, due_at, host) "
            "VALUES (?, ?, ?, ?, ?)",
            (event, lane, Format.STANDARD, now, callback_hosts.host_of(url)),
        )
        callback_hosts.enter(db, lane, callback_hosts.host_of(url), now)
        if not is_configured(db, lane):
            _cancel(db, lane, now)


def _insert_removed(db: Connection, event: str, watch: int, now: float) -> None:
    """Add a cancelled delivery for each endpoint that the watch names and that is gone."""
    (names,) = db.execute("SELECT endpoints FROM watches WHERE id = ?", (watch,)).fetchone()
    for name in () if names is None else json.loads(names):
        if not is_configured(db, name):
            db.execute(
                "INSERT INTO deliveries (event, endpoint, format, due_at) "
                "VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (event, name, Format.STANDARD, now),
            )
            _cancel(db, name, now)


def record_attempt(
    db: Connection,
    claim: Claim,
    attempt: AttemptRecord,
    settlement: Settlement,
    now: float,
) -> None:
    """Store the outcome of an attempt and what follows from it, together.

    It counts only for the delivery that it was made for: same row, event, endpoint and attempt.
    """
    if not _is_in_flight(db, claim):
        return
    _store_outcomes(db, [(claim, attempt)])
    if not isinstance(settlement, Delivered) and _was_resent(db, claim):
        settlement = RetryAt(now, free=True)
    change, values = _change(settlement, now)
    # a success counts even if the endpoint has been removed from the config meanwhile
    also = "OR state = 'cancelled'" if isinstance(settlement, Delivered) else ""
    changed = db.execute(
        f"UPDATE deliveries SET in_flight = NULL, {change} "
        f"WHERE id = ? AND (state = 'pending' {also})",
        (*values, claim.delivery),
    )
    if changed.rowcount == 0:
        db.execute("UPDATE deliveries SET in_flight = NULL WHERE id = ?", (claim.delivery,))
    if claim.host is not None:
        callback_hosts.enter(db, claim.endpoint, claim.host, now)


def record_delivered(
    db: Connection, made: Sequence[tuple[Claim, AttemptRecord]], now: float
) -> None:
    """Store attempts that were received, as `record_attempt` does, in a few statements."""
    mine = [(claim, attempt) for claim, attempt in made if _is_in_flight(db, claim)]
    _store_outcomes(db, mine)
    # a success counts even if the endpoint has been removed from the config meanwhile
    db.executemany(
        "UPDATE deliveries SET in_flight = NULL, state = 'delivered', reason = '', "
        "settled_at = ? WHERE id = ?",
        [(now, claim.delivery) for claim, _ in mine],
    )


def _store_outcomes(db: Connection, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
    db.executemany(
        "UPDATE attempts SET started_at = ?, duration_ms = ?, outcome = ?, status = ?, detail = ? "
        "WHERE delivery = ? AND number = ?",
        [
            (
                *(attempt.started_at, attempt.duration_ms, attempt.outcome),
                *(attempt.status, attempt.detail, claim.delivery, claim.attempt),
            )
            for claim, attempt in made
        ],
    )


def release(db: Connection, claims: Sequence[Claim]) -> None:
    """Take claims back whose attempts were not begun: the deliveries are as they were before."""
    mine = [claim for claim in claims if _is_in_flight(db, claim)]
    db.executemany(
        "DELETE FROM attempts WHERE delivery = ? AND number = ?",
        [(claim.delivery, claim.attempt) for claim in mine],
    )
    db.executemany(
        "UPDATE deliveries SET in_flight = NULL, attempts = attempts - 1 WHERE id = ?",
        [(claim.delivery,) for claim in mine],
    )
    for claim in mine:
        if claim.host is not None:
            callback_hosts.enter_again(db, claim.delivery)


def defer(db: Connection, claim: Claim, until: float) -> None:
    """Take a callback's claim back; its host name is not looked at before `until`."""
    release(db, [claim])
    if claim.host is not None:
        callback_hosts.move(db, claim.endpoint, claim.host, until)


def _is_in_flight(db: Connection, claim: Claim) -> bool:
    row = db.execute(
        "SELECT 1 FROM deliveries WHERE id = ? AND event = ? AND endpoint = ? AND in_flight = ?",
        (claim.delivery, claim.event_id, claim.endpoint, claim.attempt),
    ).fetchone()
    return row is not None


def _was_resent(db: Connection, claim: Claim) -> bool:
    """Tell whether a resend during the attempt has started its retries anew."""
    row = db.execute("SELECT failures FROM deliveries WHERE id = ?", (claim.delivery,)).fetchone()
    return row is not None and row[0] < claim.failures


def _change(settlement: Settlement, now: float) -> tuple[str, tuple[object, ...]]:
    match settlement:
        case Delivered():
            return "state = 'delivered', reason = '', settled_at = ?", (now,)
        case RetryAt(at, free):
            return "failures = failures + ?, due_at = ?", (0 if free else 1, at)
        case DeadLetter(reason):
            dead = "failures = failures + 1, state = 'dead', reason = ?, settled_at = ?"
            return dead, (reason, now)
        case Hold(reason):
            return "reason = ?", (reason,)


def release_interrupted(db: Connection, lanes: Sequence[str] | None = None) -> int:
    """Make deliveries in flight due again, their attempts `interrupted`; return how many.

    With `lanes` only theirs: the others may be attempted by other instances at this moment.
    """
    mine, attempts = "in_flight IS NOT NULL", ""
    named = () if lanes is None else (listed(lanes),)
    if lanes is not None:
        mine += f" AND endpoint IN {TEXTS}"
        attempts = f"AND delivery IN (SELECT id FROM deliveries WHERE {mine})"
    db.execute(
        "UPDATE attempts SET outcome = 'interrupted', detail = ? "
        f"WHERE outcome IS NULL {attempts}",
        ("the process ended; perhaps nothing was sent", *named),
    )
    released = db.execute(f"UPDATE deliveries SET in_flight = NULL WHERE {mine}", named)
    return released.rowcount


def cancel_removed(
    db: Connection, configured: Collection[str], now: float
) -> list[CancelledDeliveries]:
    """Cancel what is pending for endpoints that were removed from the config; return how much."""
    pending = db.execute("SELECT DISTINCT endpoint FROM deliveries WHERE state = 'pending'")
    removed = sorted({name for (name,) in pending} - set(configured))
    cancelled = [_pending_for(db, name) for name in removed]
    for name in removed:
        _cancel(db, name, now)
    return cancelled


def _pending_for(db: Connection, endpoint: str) -> CancelledDeliveries:
    row = db.execute(
        "SELECT count(*), min(e.recorded_at) FROM deliveries d JOIN events e ON e.id = d.event "
        "WHERE d.state = 'pending' AND d.endpoint = ?",
        (endpoint,),
    ).fetchone()
    return CancelledDeliveries(endpoint, *row)


def _cancel(db: Connection, endpoint: str, now: float) -> None:
    db.execute(
        "UPDATE deliveries SET state = 'cancelled', settled_at = ?, "
        "reason = 'the endpoint was removed from the config' "
        "WHERE state = 'pending' AND endpoint = ?",
        (now, endpoint),
    )
