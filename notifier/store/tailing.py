"""Following the store in SQL: the events and outcomes that were committed since the last look.

A `TailPosition` is a value: the same position and the same state give the same answer. What is
new is found by row numbers, because the wall clock may be set back. SQLite may give the numbers
of removed bodies again, so a position never keeps a number above the highest in use, and events
of the last seconds are compared by their ids as well: a look that comes late misses none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from notifier.model.views import AttemptView, EventSummary, OutcomeView
from notifier.store.connection import TEXTS, Connection, listed
from notifier.store.queries import STATE, event_summaries

_OVERLAP = 5.0
_MOST_PENDING = 10_000
_EVENT = "SELECT e.id, e.type, e.created_at, w.gateway, w.video_id, e.about FROM events e "
_ORDER = "ORDER BY e.recorded_at, e.id"

Pair = tuple[str, str]
"""An event's id and the name of an endpoint that it is for."""


@dataclass(frozen=True, slots=True)
class TailPosition:
    """What was already seen.

    `bodies` and `attempts` are the highest row numbers in use, `looked_at` is in Unix seconds.
    `recent` has the ids of the last seconds' events, `pending` the unsettled deliveries of events
    that were returned.
    """

    bodies: int = 0
    attempts: int = 0
    looked_at: float = 0.0
    recent: frozenset[str] = frozenset()
    pending: tuple[Pair, ...] = ()


@dataclass(frozen=True, slots=True)
class TailNews:
    """What is new, oldest first, and the position after it."""

    position: TailPosition
    events: Sequence[EventSummary]
    outcomes: Sequence[OutcomeView]


def tail_end(db: Connection, now: float) -> TailPosition:
    """Return the position after everything that there is."""
    return _position(db, TailPosition(), now, ())


def tail_news(db: Connection, since: TailPosition, now: float) -> TailNews:
    """Return what was committed after `since`."""
    events = _events(db, since)
    attempts = _attempts(db, since)
    said = {(each.event_id, each.endpoint) for each in attempts if each.state == "cancelled"}
    cancelled = _cancelled(db, since)
    outcomes = [*attempts, *(c for c in cancelled if (c.event_id, c.endpoint) not in said)]
    return TailNews(_position(db, since, now, events), events, outcomes)


def _position(
    db: Connection, since: TailPosition, now: float, events: Iterable[EventSummary]
) -> TailPosition:
    (bodies,) = db.execute("SELECT coalesce(max(rowid), 0) FROM bodies").fetchone()
    (attempts,) = db.execute("SELECT coalesce(max(id), 0) FROM attempts").fetchone()
    recent = db.execute("SELECT id FROM events WHERE recorded_at >= ?", (now - _OVERLAP,))
    known = [*since.pending, *((event.id, "") for event in events)]
    return TailPosition(
        bodies,
        attempts,
        now,
        frozenset(event for (event,) in recent),
        tuple(_pending(db, known))[-_MOST_PENDING:],
    )


def _events(db: Connection, since: TailPosition) -> list[EventSummary]:
    rows = db.execute(
        f"{_EVENT} LEFT JOIN watches w ON w.id = e.watch WHERE e.recorded_at >= ?1 OR e.id IN "
        f"(SELECT event FROM bodies WHERE rowid > ?2 AND format = 'standard') {_ORDER}",
        (since.looked_at - _OVERLAP, since.bodies),
    ).fetchall()
    return event_summaries(db, [row for row in rows if row[0] not in since.recent])


def _attempts(db: Connection, since: TailPosition) -> list[OutcomeView]:
    """Return the attempts that ended after `since`."""
    rows = db.execute(
        "SELECT e.id, e.type, w.gateway, w.video_id, e.about, d.endpoint, "
        f"{STATE}, d.reason, d.due_at, d.in_flight IS NULL AND d.attempts = a.number, "
        "a.number, a.started_at, a.duration_ms, a.outcome, a.status, a.detail "
        "FROM attempts a JOIN deliveries d ON d.id = a.delivery JOIN events e ON e.id = d.event "
        "LEFT JOIN watches w ON w.id = e.watch WHERE a.id > ? ORDER BY a.id",
        (since.attempts,),
    )
    return [_outcome(row[:8], row[8:10], AttemptView(*row[10:])) for row in rows]


def _outcome(
    row: tuple[Any, ...], due: tuple[float, int], attempt: AttemptView | None
) -> OutcomeView:
    """Return an outcome; `due` is when the next attempt is, and whether `attempt` is the last.

    The delivery's present state follows from its last attempt alone.
    """
    event_id, event_type, gateway, video_id, about, endpoint, state, reason = row
    at, is_last = due
    if attempt is not None and not is_last:
        state, reason = "delivered" if attempt.outcome == "delivered" else "pending", ""
    next_at = at if state == "pending" and is_last else None
    return OutcomeView(
        event_id, event_type, gateway, video_id, about, endpoint, state, reason, next_at, attempt
    )


def _cancelled(db: Connection, since: TailPosition) -> list[OutcomeView]:
    """Return the deliveries that were pending and were cancelled."""
    rows = db.execute(
        "SELECT e.id, e.type, w.gateway, w.video_id, e.about, d.endpoint, d.state, d.reason "
        "FROM deliveries d JOIN events e ON e.id = d.event LEFT JOIN watches w ON w.id = e.watch "
        f"WHERE d.state = 'cancelled' AND d.event IN {TEXTS} ORDER BY d.id",
        (listed({event for event, _ in since.pending}),),
    )
    pending = set(since.pending)
    return [_outcome(row, (0, 0), None) for row in rows if (row[0], row[5]) in pending]


def _pending(db: Connection, known: Iterable[Pair]) -> list[Pair]:
    rows = db.execute(
        "SELECT d.event, d.endpoint FROM deliveries d WHERE d.state = 'pending' "
        f"AND d.event IN {TEXTS} ORDER BY d.id",
        (listed({event for event, _ in known}),),
    )
    return rows.fetchall()
