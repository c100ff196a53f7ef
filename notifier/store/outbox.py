"""The outbox in SQL: events, their deliveries and what became of every attempt.

A delivery is pending until it is delivered, dead or cancelled. While a lane attempts it,
`in_flight` is when the lane claimed it; the attempt's row is written at its end. A delivery that a
crash leaves in flight is released at the next start and costs no retry.
"""

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple

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
from notifier.model.watch import callback_lane
from notifier.store import callback_hosts
from notifier.store.connection import LOCK, TEXTS, Connection, listed
from notifier.store.endpoints import is_configured

_MINE = "id = ? AND event = ? AND endpoint = ? AND attempts = ? AND in_flight IS NOT NULL"
"""Whether a delivery is in flight for the attempt of a claim; see `_names`."""


class EventRow(NamedTuple):
    """An event to be recorded `now` (Unix seconds): the one of `kind` of a watch, or a notice.

    Its deliveries to the endpoints in `claimed` are in flight from the start.
    """

    event: NewEvent
    now: float
    watch: int | None = None
    kind: EventKind | None = None
    about: str | None = None
    claimed: Collection[str] = ()


def record_follow_up(
    db: Connection, watch: int, kind: EventKind, event: NewEvent, now: float
) -> bool:
    """Put an event after the ending into the outbox; False if the watch has one of this kind."""
    known = "SELECT 1 FROM events WHERE watch = ? AND kind = ?"
    if db.execute(known, (watch, kind)).fetchone() is not None:
        return False
    insert_events(db, [EventRow(event, now, watch, kind)])
    (names,) = db.execute("SELECT endpoints FROM watches WHERE id = ?", (watch,)).fetchone()
    if names is not None:
        insert_removed(db, event.id, names, now)
    return True


def record_notice(db: Connection, event: NewEvent, endpoint: str, now: float) -> None:
    """Put an event about `endpoint` and its deliveries into the outbox."""
    insert_events(db, [EventRow(event, now, about=endpoint)])


def insert_events(db: Connection, rows: Sequence[EventRow]) -> None:
    """Add events with their bodies and deliveries."""
    db.executemany(
        "INSERT INTO events (id, watch, kind, about, type, created_at, recorded_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (event.id, watch, kind, about, event.type, event.created_at, now)
            for event, now, watch, kind, about, _ in rows
        ],
    )
    db.executemany(
        "INSERT INTO bodies (event, format, body) VALUES (?, ?, ?)",
        [(row.event.id, form, body) for row in rows for form, body in row.event.bodies.items()],
    )
    db.executemany(
        "INSERT INTO deliveries (event, endpoint, format, due_at, in_flight, attempts) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [
            (row.event.id, name, form, row.now, *_begin(row, name))
            for row in rows
            for name, form in row.event.endpoints
        ],
    )


def _begin(row: EventRow, endpoint: str) -> tuple[float | None, int]:
    """Return `in_flight` and `attempts` of a new delivery."""
    return (row.now, 1) if endpoint in row.claimed else (None, 0)


def insert_callback(db: Connection, event: str, url: str, endpoint: str, now: float) -> str:
    """Add the delivery to the watch's own `url`, signed as for `endpoint`; return its lane."""
    lane = callback_lane(endpoint)
    db.execute(
        "INSERT INTO deliveries (event, endpoint, format, due_at, host) VALUES (?, ?, ?, ?, ?)",
        (event, lane, Format.STANDARD, now, callback_hosts.host_of(url)),
    )
    callback_hosts.enter(db, lane, callback_hosts.host_of(url), now)
    if not is_configured(db, lane):
        _cancel(db, lane, now)
    return lane


def insert_removed(db: Connection, event: str, names: str, now: float) -> None:
    """Add a cancelled delivery for each endpoint of `names`, a list in JSON, that is gone."""
    for name in json.loads(names):
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
) -> bool:
    """Store the outcome of an attempt and what follows from it, together; tell whether it counts.

    It counts only for the delivery that it was made for: same row, event, endpoint and attempt. A
    success counts also when another instance has taken the lane since.
    """
    if not _store_outcomes(db, [(claim, attempt)]):
        return isinstance(settlement, Delivered) and _accept_late(db, claim, attempt, now)
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
    return True


def _accept_late(db: Connection, claim: Claim, attempt: AttemptRecord, now: float) -> bool:
    """Store a success of an attempt that was taken for interrupted; tell whether it counts.

    Perhaps the new owner of the lane attempts it as well: then its own attempt ends as it ends.
    """
    changed = db.execute(
        "UPDATE deliveries SET state = 'delivered', reason = '', settled_at = ? WHERE id = ? "
        "AND event = ? AND endpoint = ? AND attempts >= ? AND state IN ('pending', 'cancelled')",
        (now, claim.delivery, claim.event_id, claim.endpoint, claim.attempt),
    )
    if changed.rowcount == 0:
        return False
    db.execute(
        "UPDATE attempts SET started_at = ?, duration_ms = ?, outcome = ?, status = ?, detail = ? "
        "WHERE delivery = ? AND number = ?",
        (*_outcome(attempt), claim.delivery, claim.attempt),
    )
    return True


def record_delivered(db: Connection, made: Sequence[tuple[Claim, AttemptRecord, float]]) -> None:
    """Store attempts that were received then, as `record_attempt` does, in a few statements."""
    stored = _store_outcomes(db, [(claim, attempt) for claim, attempt, _ in made])
    # a success counts even if the endpoint has been removed from the config meanwhile
    db.executemany(
        "UPDATE deliveries SET in_flight = NULL, state = 'delivered', reason = '', "
        f"settled_at = ? WHERE {_MINE}",
        [(now, *_names(claim)) for claim, _, now in made],
    )
    if stored < len(made):
        for claim, attempt, now in made:
            _accept_late(db, claim, attempt, now)


def _store_outcomes(db: Connection, made: Sequence[tuple[Claim, AttemptRecord]]) -> int:
    """Add the rows of attempts whose deliveries are still theirs; return how many are.

    A resend at the same time comes before or after all of it.
    """
    added = db.executemany(
        "INSERT INTO attempts (delivery, number, started_at, duration_ms, outcome, status, "
        "detail) SELECT id, attempts, ?, ?, ?, ?, ? FROM deliveries WHERE "
        f"{_MINE} {LOCK.format('deliveries')}",
        [(*_outcome(attempt), *_names(claim)) for claim, attempt in made],
    )
    return added.rowcount


def _outcome(attempt: AttemptRecord) -> tuple[object, ...]:
    return (
        *(attempt.started_at, attempt.duration_ms, attempt.outcome),
        *(attempt.status, attempt.detail),
    )


def _names(claim: Claim) -> tuple[object, ...]:
    """Return the values for `_MINE`."""
    return (claim.delivery, claim.event_id, claim.endpoint, claim.attempt)


def release(db: Connection, claims: Sequence[Claim]) -> None:
    """Take claims back whose attempts were not begun: the deliveries are as they were before."""
    db.executemany(
        f"UPDATE deliveries SET in_flight = NULL, attempts = attempts - 1 WHERE {_MINE}",
        [_names(claim) for claim in claims],
    )
    for claim in sorted(claims, key=lambda claim: (claim.endpoint, claim.host or "")):
        if claim.host is not None:
            callback_hosts.enter_again(db, claim.delivery)


def defer(db: Connection, claim: Claim, until: float) -> None:
    """Take a callback's claim back; its host name is not looked at before `until`."""
    release(db, [claim])
    if claim.host is not None:
        callback_hosts.move(db, claim.endpoint, claim.host, until)


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
    mine = "in_flight IS NOT NULL"
    named = () if lanes is None else (listed(lanes),)
    if lanes is not None:
        mine += f" AND endpoint IN {TEXTS}"
    db.execute(
        "INSERT INTO attempts (delivery, number, started_at, outcome, detail) "
        f"SELECT id, attempts, in_flight, 'interrupted', ? FROM deliveries WHERE {mine}",
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
