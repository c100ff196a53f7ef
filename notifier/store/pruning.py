"""Removes in SQL what has been over for longer than the retention, in small batches.

An event is removed with its deliveries, dead letters included, once none of them is pending or in
flight and the last was settled long enough ago; deliveries held for a disabled endpoint keep it. A
watch is removed when it has no event left and nothing is to be done for it, unless a file still
lists it: its row is then the tombstone that keeps it from being watched again. The sources `api`
and `discovery` do not count: no file could ever stop listing it, and discovery remembers it
otherwise. SQLite reuses the room; the file does not shrink.

Each batch examines a bounded number of rows, from where the batch before it stopped. What has to
stay is therefore looked at once in a pass, however much of it there is.
"""

from dataclasses import dataclass
from typing import NamedTuple

from notifier.model.watch import API_SOURCE, DISCOVERY_SOURCE
from notifier.store.connection import Connection

BATCH = 200
"""The most rows that one batch examines."""


class Position(NamedTuple):
    """The row after which a batch begins: its time (Unix seconds) and its id."""

    at: float = float("-inf")
    id: str | int = ""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows a batch removed, and where the next one begins; None at the end."""

    removed: int
    end: Position | None


def prune_events(db: Connection, before: float, start: Position) -> Pruned:
    """Examine events recorded before then (Unix seconds), and remove those that are over."""
    rows = db.execute(
        "SELECT recorded_at, id, EXISTS (SELECT 1 FROM deliveries d WHERE d.event = e.id AND "
        "(d.state = 'pending' OR d.in_flight IS NOT NULL OR d.settled_at >= ?)) FROM events e "
        "WHERE (recorded_at, id) > (?, ?) AND recorded_at < ? ORDER BY recorded_at, id LIMIT ?",
        (before, *start, before, BATCH),
    ).fetchall()
    over = [(event,) for _, event, needed in rows if not needed]
    for statement in (
        "DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE event = ?)",
        "DELETE FROM deliveries WHERE event = ?",
        "DELETE FROM bodies WHERE event = ?",
        "DELETE FROM events WHERE id = ?",
    ):
        db.executemany(statement, over)
    return _pruned(rows, len(over))


def prune_watches(db: Connection, before: float, start: Position) -> Pruned:
    """Examine watches closed before then (Unix seconds), and remove those that nothing needs."""
    rows = db.execute(
        "SELECT closed_at, id, EXISTS (SELECT 1 FROM events e WHERE e.watch = w.id) OR "
        "EXISTS (SELECT 1 FROM expiry_timers t WHERE t.watch = w.id AND t.expires_at >= ?) OR "
        "EXISTS (SELECT 1 FROM downloads d WHERE d.watch = w.id AND d.state = 'pending' "
        "AND d.deadline >= ?), "
        "EXISTS (SELECT 1 FROM listings l WHERE l.gateway = w.gateway "
        "AND l.video_id = w.video_id AND l.source NOT IN (?, ?)), gateway, video_id "
        "FROM watches w "
        "WHERE state <> 'open' AND (closed_at, id) > (?, ?) AND closed_at < ? "
        "ORDER BY closed_at, id LIMIT ?",
        (before, before, API_SOURCE, DISCOVERY_SOURCE, start.at, start.id or 0, before, BATCH),
    ).fetchall()
    db.executemany(
        "DELETE FROM callbacks WHERE watch = ?", [(row[1],) for row in rows if not row[2]]
    )
    over = [row for row in rows if not (row[2] or row[3])]
    db.executemany("DELETE FROM expiry_timers WHERE watch = ?", [(row[1],) for row in over])
    # a file that is kept has to be found again when it is old enough
    db.executemany(
        "DELETE FROM downloads WHERE watch = ? AND state <> 'archived'",
        [(row[1],) for row in over],
    )
    db.executemany("DELETE FROM watches WHERE id = ?", [(row[1],) for row in over])
    db.executemany(
        "DELETE FROM listings WHERE gateway = ? AND video_id = ? "
        f"AND source IN ('{API_SOURCE}', '{DISCOVERY_SOURCE}') AND NOT EXISTS (SELECT 1 "
        "FROM watches w WHERE w.gateway = listings.gateway AND w.video_id = listings.video_id)",
        [row[4:] for row in over],
    )
    return _pruned(rows, len(over))


def _pruned(rows: list[tuple[float, str | int]], removed: int) -> Pruned:
    end = Position(*rows[-1][:2]) if len(rows) == BATCH else None
    return Pruned(removed, end)
