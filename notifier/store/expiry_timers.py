"""Timers of videos that expire, in SQL.

A timer is recorded with the ending. It goes when its event is recorded, when the video is found
to be gone, or with its watch.
"""

from notifier import log
from notifier.errors import StoreError
from notifier.model.follow_up import ExpiryTimer
from notifier.store.codec import WATCH_COLUMNS, load_watch
from notifier.store.connection import Connection

_COLUMNS = ", ".join(f"w.{name}" for name in WATCH_COLUMNS.split(", "))


def add(db: Connection, watch: int, expires_at: float) -> None:
    """Start the timer of a watch that has ended."""
    db.execute(
        "INSERT INTO expiry_timers (watch, gateway, expires_at) "
        "SELECT id, gateway, ? FROM watches WHERE id = ?",
        (expires_at, watch),
    )


def earliest(db: Connection, gateway: str, limit: int) -> list[ExpiryTimer]:
    """Return the timers of a gateway that end first; one whose watch is damaged is removed."""
    rows = db.execute(
        f"SELECT t.expires_at, {_COLUMNS} FROM expiry_timers t JOIN watches w ON w.id = t.watch "
        "WHERE t.gateway = ? ORDER BY t.expires_at LIMIT ?",
        (gateway, limit),
    ).fetchall()
    timers = []
    for expires_at, *row in rows:
        try:
            timers.append(ExpiryTimer(load_watch(tuple(row)), expires_at))
        except StoreError as error:
            log.get(gateway=gateway).error("timer_removed", reason=str(error))
            remove(db, row[0])
    return timers


def move(db: Connection, watch: int, expires_at: float) -> None:
    """Let the timer of a watch end at another time."""
    db.execute("UPDATE expiry_timers SET expires_at = ? WHERE watch = ?", (expires_at, watch))


def remove(db: Connection, watch: int) -> bool:
    """Remove the timer of a watch; return whether it had one."""
    return db.execute("DELETE FROM expiry_timers WHERE watch = ?", (watch,)).rowcount > 0
