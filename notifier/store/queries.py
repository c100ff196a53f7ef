"""Read queries: events with their deliveries, watches, and endpoints."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from notifier.model.event import EventType
from notifier.model.video import Json
from notifier.model.views import (
    AttemptView,
    DeliveryView,
    EndpointView,
    EventSummary,
    EventView,
    WatchView,
)
from notifier.model.watch import WatchKey
from notifier.store import downloads
from notifier.store.codec import WATCH_COLUMNS, load_watch
from notifier.store.connection import TEXTS, Connection, listed
from notifier.store.delivery_counts import counts_by_endpoint
from notifier.store.listings import sources_of
from notifier.store.watches import callback_of

MOST_ROWS = 1000
"""The most rows that are returned at once."""

NO_LIMIT = (1 << 63) - 1
"""As a limit: all rows."""

_OFF = "(SELECT name FROM endpoints WHERE disabled IS NOT NULL)"
STATE = f"CASE WHEN d.state = 'pending' AND d.endpoint IN {_OFF} THEN 'held' ELSE d.state END"


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events, the latest first; `before` is the id of the last one that was seen.

    `state` is that of a delivery (to `endpoint`, if that is given too). Times are Unix seconds.
    """

    type: str | None = None
    gateway: str | None = None
    video_id: str | None = None
    endpoint: str | None = None
    state: str | None = None
    since: float | None = None
    until: float | None = None
    before: str | None = None
    limit: int = 100


def events(db: Connection, wanted: EventFilter) -> list[EventSummary]:
    """Return the latest events that `wanted` describes."""
    conditions, values = _conditions(wanted)
    rows = db.execute(
        "SELECT e.id, e.type, e.created_at, w.gateway, w.video_id, e.about FROM events e "
        f"LEFT JOIN watches w ON w.id = e.watch WHERE {' AND '.join(conditions)} "
        "ORDER BY e.recorded_at DESC, e.id DESC LIMIT ?",
        (*values, min(wanted.limit, MOST_ROWS)),
    ).fetchall()
    return event_summaries(db, rows)


def event_summaries(db: Connection, rows: Sequence[tuple[Any, ...]]) -> list[EventSummary]:
    """Return a summary for each row of an event's own columns."""
    counts = _delivery_counts(db, [row[0] for row in rows])
    return [_summary(row, counts) for row in rows]


def summaries_of(db: Connection, ids: Collection[str]) -> list[EventSummary]:
    """Return the events with these ids that there are, the latest first."""
    rows = db.execute(
        "SELECT e.id, e.type, e.created_at, w.gateway, w.video_id, e.about FROM events e "
        f"LEFT JOIN watches w ON w.id = e.watch WHERE e.id IN {TEXTS} "
        "ORDER BY e.recorded_at DESC, e.id DESC",
        (listed(ids),),
    ).fetchall()
    return event_summaries(db, rows)


def _summary(row: tuple[Any, ...], counts: Mapping[str, dict[str, int]]) -> EventSummary:
    event_id, event_type, created_at, gateway, video_id, about = row
    return EventSummary(
        event_id, event_type, created_at, gateway, video_id, about, counts[event_id]
    )


def _conditions(wanted: EventFilter) -> tuple[list[str], list[object]]:
    conditions, values = ["1 = 1"], list[object]()

    def add(condition: str, *given: object) -> None:
        if None not in given:
            conditions.append(condition)
            values.extend(given)

    if wanted.type is not None:
        types = [each for each in EventType if fnmatchcase(each, wanted.type)]
        add(f"e.type IN {TEXTS}", listed(types))
    add("w.gateway = ?", wanted.gateway)
    add("w.video_id = ?", wanted.video_id)
    add("e.recorded_at >= ?", wanted.since)
    add("e.recorded_at < ?", wanted.until)
    add(
        "(e.recorded_at, e.id) < (SELECT recorded_at, id FROM events WHERE id = ?)",
        wanted.before,
    )
    if wanted.endpoint is not None or wanted.state is not None:
        given = {"d.endpoint": wanted.endpoint, STATE: wanted.state}
        given = {column: value for column, value in given.items() if value is not None}
        matching = "".join(f" AND {column} = ?" for column in given)
        conditions.append(f"EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.id{matching})")
        values += given.values()
    return conditions, values


def _delivery_counts(db: Connection, events: Sequence[str]) -> Mapping[str, dict[str, int]]:
    """Count the deliveries of each event by state."""
    found: dict[str, dict[str, int]] = {event: {} for event in events}
    rows = db.execute(
        f"SELECT d.event, {STATE}, count(*) FROM deliveries d "
        f"WHERE d.event IN {TEXTS} GROUP BY 1, 2",
        (listed(events),),
    )
    for event, state, count in rows:
        found[event][state] = count
    return found


def event(db: Connection, event_id: str) -> EventView | None:
    """Return one event with every delivery and attempt, None when there is none."""
    row = db.execute(
        "SELECT e.id, e.type, e.created_at, w.gateway, w.video_id, e.about FROM events e "
        "LEFT JOIN watches w ON w.id = e.watch WHERE e.id = ?",
        (event_id,),
    ).fetchone()
    if row is None:
        return None
    counts = _delivery_counts(db, [event_id])
    deliveries = db.execute(
        f"SELECT d.id, d.endpoint, d.format, d.state, {STATE} = 'held', d.reason, d.due_at, "
        "d.settled_at FROM deliveries d WHERE d.event = ? ORDER BY d.id",
        (event_id,),
    ).fetchall()
    return EventView(
        _summary(row, counts),
        _body(db, event_id),
        [_delivery(db, delivery) for delivery in deliveries],
    )


def _body(db: Connection, event_id: str) -> Json:
    row = db.execute(
        "SELECT body FROM bodies WHERE event = ? AND format = 'standard'", (event_id,)
    ).fetchone()
    try:
        body: Json = None if row is None else json.loads(row[0])
    except ValueError:
        return None
    return body


def _delivery(db: Connection, row: tuple[Any, ...]) -> DeliveryView:
    number, endpoint, form, state, held, reason, due_at, settled_at = row
    attempts = db.execute(
        "SELECT number, started_at, duration_ms, outcome, status, detail FROM attempts "
        "WHERE delivery = ?1 UNION ALL SELECT attempts, in_flight, NULL, NULL, NULL, '' "
        "FROM deliveries WHERE id = ?1 AND in_flight IS NOT NULL ORDER BY 1",
        (number,),
    ).fetchall()
    views = [AttemptView(*attempt) for attempt in attempts]
    return DeliveryView(endpoint, form, state, bool(held), reason, due_at, settled_at, views)


@dataclass(frozen=True, slots=True)
class WatchFilter:
    """Which watches, oldest first; `after` is how many to leave out."""

    state: str | None = None
    gateway: str | None = None
    video_id: str | None = None
    after: int = 0
    limit: int = NO_LIMIT


ALL_WATCHES = WatchFilter()


def watches(db: Connection, wanted: WatchFilter) -> list[WatchView]:
    """Return the latest generation of every watch that `wanted` describes."""
    columns = ", ".join(f"w.{name}" for name in WATCH_COLUMNS.split(", "))
    # one condition for each filter that is set: an index cannot serve `? IS NULL OR ...`
    filters = {"state": wanted.state, "gateway": wanted.gateway, "video_id": wanted.video_id}
    given = {name: value for name, value in filters.items() if value is not None}
    conditions = "".join(f" AND w.{name} = ?" for name in given)
    rows = db.execute(
        f"SELECT {columns}, e.id, e.type FROM watches w "
        "LEFT JOIN events e ON e.watch = w.id AND e.kind = 'ending' WHERE w.generation = "
        "(SELECT max(generation) FROM watches o WHERE o.gateway = w.gateway"
        f" AND o.video_id = w.video_id){conditions} ORDER BY w.id LIMIT ? OFFSET ?",
        (*given.values(), wanted.limit, wanted.after),
    ).fetchall()
    counts = _delivery_counts(db, [row[-2] for row in rows if row[-2] is not None])
    return [
        WatchView(
            load_watch(row[:-2]),
            row[-2],
            row[-1],
            counts.get(row[-2], {}),
            sources_of(db, WatchKey(*row[1:3])),
            callback_of(db, row[0]),
            archive=downloads.view(db, row[0]),
        )
        for row in rows
    ]


def watch(db: Connection, key: WatchKey) -> WatchView | None:
    """Return the latest generation of one watch, None when it was never taken."""
    found = watches(db, WatchFilter(gateway=key.gateway, video_id=key.video_id))
    return found[0] if found else None


def endpoint_views(db: Connection) -> dict[str, EndpointView]:
    """Return how the deliveries of every endpoint stand, by the endpoint's name."""
    counts = counts_by_endpoint(db)
    health = {
        name: (disabled, since)
        for name, disabled, since in db.execute(
            "SELECT name, disabled, failing_since FROM endpoints"
        )
    }
    for name, (disabled, _) in health.items():
        if disabled is not None and "pending" in counts.get(name, {}):
            counts[name]["held"] = counts[name].pop("pending")
    return {
        name: EndpointView(counts.get(name, {}), *health.get(name, (None, None)))
        for name in {*counts, *health}
    }
