"""The health of endpoints in SQL: only failing and disabled endpoints have a row.

A row appears with the first failure and goes with the next success, so most of the time there
is none. The row of a disabled endpoint stays until the endpoint is enabled, and then, as
`recovering`, until its next success.
"""

from collections.abc import Iterable, Mapping

from notifier.model.health import Health
from notifier.store.connection import Connection


def note_failure(db: Connection, name: str, health: Health) -> None:
    """Store since when `name` has been failing."""
    db.execute(
        "INSERT INTO endpoints (name, url_mark, failing_since, last_failure) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET url_mark = excluded.url_mark, "
        "failing_since = excluded.failing_since, last_failure = excluded.last_failure",
        (name, health.url_mark, health.failing_since, health.last_failure),
    )


def note_success(db: Connection, name: str) -> bool:
    """Remove the failures of `name`; return whether it had been disabled before.

    An endpoint that is disabled stays so: the success may be of an attempt in flight at that time.
    """
    row = db.execute(
        "DELETE FROM endpoints WHERE name = ? AND disabled IS NULL RETURNING recovering", (name,)
    ).fetchone()
    return row is not None and bool(row[0])


def forget_failures(db: Connection, names: Iterable[str]) -> None:
    """Do what `note_success` does, for many, where nobody waits for a notice."""
    db.executemany(
        "DELETE FROM endpoints WHERE name = ? AND disabled IS NULL", [(name,) for name in names]
    )


def disable(db: Connection, name: str, reason: str, now: float) -> bool:
    """Disable `name`, which has just failed; False if it was disabled already."""
    changed = db.execute(
        "UPDATE endpoints SET disabled = ?, disabled_since = ?, recovering = 0 "
        "WHERE name = ? AND disabled IS NULL",
        (reason, now, name),
    )
    return changed.rowcount > 0


def enable(db: Connection, name: str, now: float) -> bool:
    """Enable `name` and make its held deliveries due now; False if it was not disabled."""
    changed = db.execute(
        "UPDATE endpoints SET disabled = NULL, disabled_since = NULL, failing_since = NULL, "
        "last_failure = NULL, recovering = 1 WHERE name = ? AND disabled IS NOT NULL",
        (name,),
    )
    if changed.rowcount:
        db.execute(
            "UPDATE deliveries SET due_at = CASE WHEN due_at > ?1 THEN ?1 ELSE due_at END, "
            "reason = '' WHERE endpoint = ?2 AND state = 'pending'",
            (now, name),
        )
    return changed.rowcount > 0


def enable_changed(db: Connection, url_marks: Mapping[str, str], now: float) -> list[str]:
    """Reset the health of endpoints whose URL has changed; return those enabled by it.

    A URL that another instance still has configured has not changed: their configs differ.
    """
    rows = db.execute(
        "SELECT e.name, e.url_mark FROM endpoints e WHERE NOT EXISTS (SELECT 1 FROM configured c "
        "WHERE c.kind = 'endpoint' AND c.name = e.name AND c.mark = e.url_mark "
        "AND c.gone_at IS NULL)"
    ).fetchall()
    changed = {name: url_marks[name] for name, mark in rows if url_marks.get(name, mark) != mark}
    enabled = [name for name in changed if enable(db, name, now)]
    for name, mark in changed.items():
        db.execute(
            "UPDATE endpoints SET url_mark = ?, failing_since = NULL, last_failure = NULL "
            "WHERE name = ?",
            (mark, name),
        )
    return enabled


def keep_marks(db: Connection, url_marks: Mapping[str, str]) -> None:
    """Store which URL each endpoint has, so that outcomes of its former URL do not count.

    For a daemon that has its store alone: what it has not configured, nobody has.
    """
    db.execute("DELETE FROM configured WHERE kind = 'endpoint'")
    db.executemany(
        "INSERT INTO configured (kind, name, instance, mark) VALUES ('endpoint', ?, '', ?)",
        url_marks.items(),
    )


def is_configured(db: Connection, name: str) -> bool:
    """Tell whether any instance has, or had a short while ago, the endpoint `name` configured.

    True also while it is not known what is configured.
    """
    known, found = db.execute(
        "SELECT count(*), count(CASE WHEN name = ? THEN 1 END) FROM configured "
        "WHERE kind = 'endpoint'",
        (name,),
    ).fetchone()
    return not known or bool(found)


def has_moved(db: Connection, name: str, health: Health) -> bool:
    """Tell whether `health` is of a former URL of `name`: one that nobody has any more."""
    known, same = db.execute(
        "SELECT count(*), count(CASE WHEN mark = ? THEN 1 END) FROM configured "
        "WHERE kind = 'endpoint' AND name = ? AND gone_at IS NULL",
        (health.url_mark, name),
    ).fetchone()
    return bool(known) and not same


def disabled(db: Connection) -> dict[str, str]:
    """Return the disabled endpoints, with the reason of each."""
    rows = db.execute("SELECT name, disabled FROM endpoints WHERE disabled IS NOT NULL")
    return dict(rows.fetchall())


def health(db: Connection) -> dict[str, Health]:
    """Return the health of the endpoints that have a row."""
    rows = db.execute(
        "SELECT name, url_mark, failing_since, last_failure, recovering FROM endpoints"
    )
    return {
        name: Health(mark, since, last, bool(recovering))
        for name, mark, since, last, recovering in rows
    }
