"""Forgetting in SQL what has been over for long enough, a little at a time.

An event goes with its deliveries, dead letters included, once none of them is pending and the
last was settled long enough ago; what is held for a disabled endpoint stays. A watch goes when
it has no event left, unless some source still lists it: its row is then the tombstone that
keeps it from being watched again. Having been added through the control API does not count as
listed: nobody would ever take it off the list. SQLite reuses the room; the file does not shrink.
"""

import sqlite3
from dataclasses import dataclass

from notifier.model.watch import API_SOURCE


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows went."""

    events: int
    watches: int


def prune(db: sqlite3.Connection, before: float, limit: int) -> Pruned:
    """Remove up to `limit` events and watches that were over `before` (Unix seconds)."""
    events = db.execute(
        "SELECT id FROM events e WHERE recorded_at < ? AND NOT EXISTS (SELECT 1 FROM deliveries d"
        " WHERE d.event = e.id AND (d.state = 'pending' OR d.settled_at >= ?)) "
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
