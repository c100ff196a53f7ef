"""Endpoints in SQL: only those that are switched off leave a row."""

import sqlite3
from collections.abc import Mapping


def disable(db: sqlite3.Connection, name: str, reason: str, url_mark: str, now: float) -> None:
    """Switch `name` off; its pending deliveries are held. `url_mark` stands for its URL."""
    db.execute(
        "INSERT OR IGNORE INTO disabled_endpoints VALUES (?, ?, ?, ?)",
        (name, reason, now, url_mark),
    )


def enable(db: sqlite3.Connection, name: str, now: float) -> bool:
    """Switch `name` on again, with what was held due now; False if it was not off."""
    removed = db.execute("DELETE FROM disabled_endpoints WHERE name = ?", (name,)).rowcount
    if removed:
        db.execute(
            "UPDATE deliveries SET due_at = min(due_at, ?), reason = '' "
            "WHERE endpoint = ? AND state = 'pending'",
            (now, name),
        )
    return removed > 0


def enable_changed(db: sqlite3.Connection, url_marks: Mapping[str, str], now: float) -> list[str]:
    """Switch on every endpoint whose URL is another than the one it was disabled with."""
    rows = db.execute("SELECT name, url_mark FROM disabled_endpoints").fetchall()
    changed = [name for name, mark in rows if url_marks.get(name, mark) != mark]
    for name in changed:
        enable(db, name, now)
    return changed


def disabled(db: sqlite3.Connection) -> dict[str, str]:
    """Return the endpoints that are off, with the reason of each."""
    return dict(db.execute("SELECT name, reason FROM disabled_endpoints").fetchall())
