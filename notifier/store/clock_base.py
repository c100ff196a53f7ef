"""Moves the stored timestamps when the system clock was set.

All timestamps in the store are by the daemon's steady clock, which reads the system clock only
once, at its start. If the system clock is set while a daemon runs, the next daemon would misread
them: a watch taken a minute ago would seem a year old. So the store keeps the drift: by how many
seconds the system clock is ahead of the steady clock. If the system clock was set back while no
daemon ran, the store holds timestamps in the future; the newest of them then counts as now.
"""

import sqlite3

_TIMESTAMPS = {
    "watches": ("taken_at", "closed_at", "missing_since"),
    "events": ("recorded_at",),
    "deliveries": ("due_at", "settled_at"),
    "endpoints": ("failing_since", "last_failure", "disabled_since"),
    "job_samples": ("recorded_at",),
}
_RECORDED = {"events": "recorded_at", "deliveries": "settled_at", "endpoints": "last_failure"}


def keep_drift(db: sqlite3.Connection, drift: float) -> None:
    """Store that the system clock is `drift` seconds ahead of the steady clock."""
    db.execute("INSERT OR REPLACE INTO meta VALUES ('drift', ?)", (repr(drift),))


def rebase(db: sqlite3.Connection, now: float) -> float:
    """Move all timestamps to the steady clock that starts at `now`.

    Returns by how many seconds the system clock was set back while no daemon ran.
    """
    row = db.execute("SELECT CAST(value AS REAL) FROM meta WHERE key = 'drift'").fetchone()
    _move(db, 0.0 if row is None else float(row[0]))
    keep_drift(db, 0.0)
    set_back = max(_latest_record(db) - now, 0.0)
    _move(db, -set_back)
    return set_back


def _move(db: sqlite3.Connection, seconds: float) -> None:
    if not seconds:
        return
    for table, columns in _TIMESTAMPS.items():
        changes = ", ".join(f"{column} = {column} + :seconds" for column in columns)
        db.execute(f"UPDATE {table} SET {changes}", {"seconds": seconds})


def _latest_record(db: sqlite3.Connection) -> float:
    """Return the latest time at which an event or an attempt was recorded."""
    latest = [
        db.execute(f"SELECT max({column}) FROM {table}").fetchone()[0] or 0.0
        for table, column in _RECORDED.items()
    ]
    return float(max(latest))
