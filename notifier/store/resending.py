"""Resend and replay in SQL: a delivery is pending again, with the same event id and bytes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from notifier.model.delivery import Format
from notifier.model.event import subscribes
from notifier.store import callback_hosts
from notifier.store.connection import Connection
from notifier.store.pruning import Position

Render = Callable[[bytes, str], bytes]
"""Makes the rendering of a name from the `standard` body."""

_UNDELIVERED = ("dead", "cancelled")


@dataclass(frozen=True, slots=True)
class Recipient:
    """An endpoint that events may be resent to; `rendering` is a name (`Rendering.name`)."""

    endpoint: str
    rendering: str
    events: tuple[str, ...]


def resend(
    db: Connection,
    event_id: str,
    recipients: Sequence[Recipient],
    render: Render,
    now: float,
) -> list[str] | None:
    """Make one event due for `recipients`, also for those it was not for at first.

    Returns the names of the endpoints it is due for now; None when there is no such event.
    """
    if db.execute("SELECT 1 FROM events WHERE id = ?", (event_id,)).fetchone() is None:
        return None
    for recipient in recipients:
        _make_due(db, event_id, recipient, render, now)
    return [recipient.endpoint for recipient in recipients]


REPLAY_BATCH = 500
"""The most events that one batch of a replay looks at: deliveries wait for its end."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What to send again: events recorded since then and before `until` (Unix seconds).

    `undelivered` leaves out what the endpoint has already received or has still pending. `after`
    is the position at which a batch before this one ended.
    """

    since: float
    until: float
    undelivered: bool
    after: Position | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one batch made due, by endpoint, and where the next one begins; None at the end."""

    counts: Mapping[str, int]
    end: Position | None


def replay(
    db: Connection,
    wanted: Replay,
    recipients: Sequence[Recipient],
    render: Render,
    now: float,
) -> Replayed:
    """Make one batch of events due for `recipients` as far as they subscribe."""
    events = db.execute(
        "SELECT recorded_at, id, type, about FROM events WHERE (recorded_at, id) > (?, ?) "
        "AND recorded_at < ? ORDER BY recorded_at, id LIMIT ?",
        (*(wanted.after or Position(wanted.since)), wanted.until, REPLAY_BATCH),
    ).fetchall()
    counts = dict.fromkeys((recipient.endpoint for recipient in recipients), 0)
    for _, event_id, event_type, about in events:
        for recipient in recipients:
            if about == recipient.endpoint or not subscribes(recipient.events, event_type):
                continue
            if _is_wanted(db, event_id, recipient.endpoint, wanted):
                _make_due(db, event_id, recipient, render, now)
                counts[recipient.endpoint] += 1
    end = Position(*events[-1][:2]) if len(events) == REPLAY_BATCH else None
    return Replayed(counts, end)


def _is_wanted(db: Connection, event_id: str, endpoint: str, wanted: Replay) -> bool:
    """Tell whether to repeat a delivery; one that is pending anyway is not repeated."""
    row = db.execute(
        "SELECT state FROM deliveries WHERE event = ? AND endpoint = ?", (event_id, endpoint)
    ).fetchone()
    if row is None:
        return True
    return row[0] in _UNDELIVERED or (row[0] == "delivered" and not wanted.undelivered)


def _make_due(
    db: Connection, event_id: str, recipient: Recipient, render: Render, now: float
) -> None:
    """Start the delivery's retries over; its earlier attempts stay on record."""
    _have_body(db, event_id, recipient.rendering, render)
    delivery, host = db.execute(
        "INSERT INTO deliveries (event, endpoint, format, due_at) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (event, endpoint) DO UPDATE SET state = 'pending', due_at = excluded.due_at, "
        # what a template has made once is sent again as it is
        "format = CASE WHEN deliveries.in_flight IS NULL AND NOT (excluded.format = 'standard' "
        "AND deliveries.format = 'template:' || deliveries.endpoint) THEN excluded.format "
        "ELSE deliveries.format END, "
        "failures = 0, reason = '', settled_at = NULL RETURNING id, host",
        (event_id, recipient.endpoint, recipient.rendering, now),
    ).fetchone()
    if host is not None:
        callback_hosts.enter_again(db, delivery)


def _have_body(db: Connection, event_id: str, form: str, render: Render) -> None:
    bodies = dict(
        db.execute("SELECT format, body FROM bodies WHERE event = ?", (event_id,)).fetchall()
    )
    if form not in bodies:
        body = render(bodies[Format.STANDARD], form)
        db.execute(
            "INSERT INTO bodies (event, format, body) VALUES (?, ?, ?)", (event_id, form, body)
        )
