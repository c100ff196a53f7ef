"""Removes in SQL what has been over for longer than the retention, in small batches.

An event is removed with its deliveries, dead letters included, once none of them is pending or in
flight and the last was settled long enough ago; deliveries held for a disabled endpoint keep it.
A watch is removed when it has no event left, unless a file still lists it: its row is then the
tombstone that keeps it from being watched again. The source `api` does not count: no file could
ever stop listing it. SQLite reuses the room; the file does not shrink.
"""

import sqlite3
from dataclasses import dataclass

from notifier.model.watch import API_SOURCE


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were removed."""

    events: int
    watches: int


def prune(db: sqlite3.Connection, before: float, limit: int) -> Pruned:
    """Remove up to `limit` events and watches that were over `before` (Unix seconds)."""
    events = db.execute(
        "SELECT id FROM events e WHERE recorded_at < ? AND NOT EXISTS (SELECT 1 FROM deliveries d"
        " WHERE d.event = e.id AND (d.state = 'pending' OR d.in_flight IS NOT NULL"
        " OR d.settled_at >= ?)) "
        "ORDER BY recorded_at LIMIT ?",
        (before, before, limit),
    ).fetchall()
    for statement in (
        "DELETE FROM attempts WHERE delivery IN (SELECT id FROM deliveries WHERE event = ?)",
        "DELETE FROM deliveries WHERE event = ?",
        "DELETE FROM bodies WHERE event = ?",
        "DELETE FROM events WHERE id = ?",
    ):
        db.executemany(statement, events)
    db.execute(
        "DELETE FROM callbacks WHERE watch IN (SELECT id FROM watches w WHERE state <> 'open' "
        "AND closed_at < ? AND NOT EXISTS (SELECT 1 FROM events e WHERE e.watch = w.id))",
        (before,),
    )
    watches = db.execute(
        "DELETE FROM watches WHERE id IN (SELECT id FROM watches w WHERE state <> 'open' "
        "AND closed_at < ? AND NOT EXISTS (SELECT 1 FROM events e WHERE e.watch = w.id) "
        "AND NOT EXISTS (SELECT 1 FROM listings l WHERE l.gateway = w.gateway"
        " AND l.video_id = w.video_id AND l.source <> ?) LIMIT ?) RETURNING gateway, video_id",
        (before, API_SOURCE, limit),
    ).fetchall()
    db.executemany(
        f"DELETE FROM listings WHERE gateway = ? AND video_id = ? AND source = '{API_SOURCE}' "
        "AND NOT EXISTS (SELECT 1 FROM watches w WHERE w.gateway = listings.gateway"
        " AND w.video_id = listings.video_id)",
        watches,
    )
    return Pruned(len(events), len(watches))
