"""Downloads of finished videos, in SQL: what is to be copied, how far, which files are kept."""

from typing import Any

from notifier import log
from notifier.errors import StoreError
from notifier.model.follow_up import ArchivedFile, ArchiveView, Download
from notifier.store.codec import WATCH_COLUMNS, load_watch
from notifier.store.connection import Connection

USUAL_LIFE = 24 * 3600.0
"""How long a copy is tried for if nobody says when the video is removed, in seconds."""

_COLUMNS = ", ".join(f"w.{name}" for name in WATCH_COLUMNS.split(", "))
_FILE = "path, bytes, sha256, content_type"


def add(db: Connection, watch: int, now: float, expires_at: float | None) -> None:
    """Plan the copy of a video whose watch has ended."""
    deadline = now + USUAL_LIFE if expires_at is None else expires_at
    db.execute(
        "INSERT INTO downloads (watch, gateway, due_at, deadline) "
        "SELECT id, gateway, ?, ? FROM watches WHERE id = ?",
        (now, deadline, watch),
    )


def earliest(db: Connection, gateway: str, limit: int) -> list[Download]:
    """Return the downloads of a gateway that are due first; one that is damaged is removed."""
    rows = db.execute(
        f"SELECT d.due_at, d.deadline, d.attempts, d.etag, d.synced, d.path, d.bytes, d.sha256, "
        f"d.content_type, {_COLUMNS} FROM downloads d JOIN watches w ON w.id = d.watch "
        "WHERE d.gateway = ? AND d.state = 'pending' ORDER BY d.due_at LIMIT ?",
        (gateway, limit),
    ).fetchall()
    found = []
    for due_at, deadline, attempts, etag, synced, *rest in rows:
        file, row = _file(rest[:4]), tuple(rest[4:])
        try:
            watch = load_watch(row)
        except StoreError as error:
            log.get(gateway=gateway).error("download_removed", reason=str(error))
            db.execute("DELETE FROM downloads WHERE watch = ?", (row[0],))
        else:
            found.append(Download(watch, due_at, deadline, attempts, etag, synced, file))
    return found


def _file(columns: list[Any]) -> ArchivedFile | None:
    return None if columns[0] is None else ArchivedFile(*columns)


def record_progress(db: Connection, watch: int, etag: str | None, synced: int) -> None:
    """Store how much of which content is on the disk."""
    db.execute(
        "UPDATE downloads SET etag = ?, synced = ? WHERE watch = ? AND state = 'pending'",
        (etag, synced, watch),
    )


def record_fetched(db: Connection, watch: int, file: ArchivedFile | None) -> None:
    """Store that all of the content is on the disk, and where it goes; None if it is not."""
    columns = (
        (None,) * 4 if file is None else (file.path, file.bytes, file.sha256, file.content_type)
    )
    db.execute(
        "UPDATE downloads SET path = ?, bytes = ?, sha256 = ?, content_type = ? "
        "WHERE watch = ? AND state = 'pending'",
        (*columns, watch),
    )


def postpone(db: Connection, watch: int, due_at: float, reason: str) -> None:
    """Store a failed attempt, and when the next one is due."""
    db.execute(
        "UPDATE downloads SET due_at = ?, reason = ?, attempts = attempts + 1 "
        "WHERE watch = ? AND state = 'pending'",
        (due_at, reason, watch),
    )


def settle(db: Connection, watch: int, state: str, now: float) -> bool:
    """End a download as `archived` or `failed`; return whether it was pending."""
    changed = db.execute(
        "UPDATE downloads SET state = ?, settled_at = ? WHERE watch = ? AND state = 'pending'",
        (state, now, watch),
    )
    return changed.rowcount > 0


def old_files(db: Connection, before: float, limit: int) -> list[tuple[int, str]]:
    """Return watch and path of files that were archived before then, the oldest first."""
    rows = db.execute(
        "SELECT watch, path FROM downloads WHERE state = 'archived' AND settled_at < ? "
        "ORDER BY settled_at LIMIT ?",
        (before, limit),
    )
    return rows.fetchall()


def forget_file(db: Connection, watch: int) -> None:
    """Store that a file was deleted because it was old."""
    db.execute("UPDATE downloads SET state = 'removed' WHERE watch = ?", (watch,))
    db.execute(
        "DELETE FROM downloads WHERE watch = ? AND NOT EXISTS "
        "(SELECT 1 FROM watches WHERE id = downloads.watch)",
        (watch,),
    )


def waiting(db: Connection) -> dict[str, int]:
    """Count the pending downloads of each gateway that has any."""
    rows = db.execute(
        "SELECT gateway, count(*) FROM downloads WHERE state = 'pending' GROUP BY gateway"
    )
    return dict(rows.fetchall())


def pending(db: Connection) -> frozenset[int]:
    """Return the watches whose downloads are not over."""
    return frozenset(
        row for (row,) in db.execute("SELECT watch FROM downloads WHERE state = 'pending'")
    )


def view(db: Connection, watch: int) -> ArchiveView | None:
    """Return how the copy of a watch's video stands, None if none is wanted."""
    row = db.execute(
        f"SELECT state, attempts, reason, due_at, {_FILE} FROM downloads WHERE watch = ?", (watch,)
    ).fetchone()
    if row is None:
        return None
    state, attempts, reason, due_at, *columns = row
    due = due_at if state == "pending" else None
    return ArchiveView(state, attempts, reason, due, _file(columns))
