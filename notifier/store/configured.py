"""What the configs of several instances have, in SQL: gateways and endpoints, each with a mark.

Configs need not be equal: while one is rolled out they are not. An endpoint is removed when no
live instance has had it for a while, so that an instance with an older config cancels nothing. The
mark of an endpoint is of its URL.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from notifier.model.delivery import CancelledDeliveries
from notifier.model.instance import Configured
from notifier.store import outbox
from notifier.store.connection import Connection

REMOVED_AFTER = 600.0
"""How long no live instance has an endpoint before its deliveries are cancelled, in seconds."""


def configure(
    db: Connection, instance: str, kind: str, marks: Mapping[str, str], now: float
) -> None:
    """Store what the config of a live instance has of a kind from now on."""
    db.execute(
        "UPDATE configured SET gone_at = ? WHERE kind = ? AND instance = ? AND gone_at IS NULL",
        (now, kind, instance),
    )
    db.executemany(
        "INSERT INTO configured (kind, name, instance, mark) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (kind, name, instance) DO UPDATE SET mark = excluded.mark, gone_at = NULL",
        [(kind, name, instance, mark) for name, mark in marks.items()],
    )


def leave(db: Connection, now: float) -> None:
    """Let what instances had that live no more be gone from now on."""
    db.execute(
        "UPDATE configured SET gone_at = ? WHERE gone_at IS NULL "
        "AND instance NOT IN (SELECT id FROM instances)",
        (now,),
    )


def begin_anew(db: Connection, now: float) -> None:
    """Let what is gone be gone from now on: while no instance lived, nobody could have it."""
    db.execute("UPDATE configured SET gone_at = ? WHERE gone_at IS NOT NULL", (now,))


def cancel_removed(db: Connection, now: float) -> Sequence[CancelledDeliveries]:
    """Forget what has been gone for REMOVED_AFTER; cancel what is pending for such endpoints."""
    db.execute("DELETE FROM configured WHERE gone_at <= ?", (now - REMOVED_AFTER,))
    rows = db.execute("SELECT DISTINCT name FROM configured WHERE kind = 'endpoint'").fetchall()
    return outbox.cancel_removed(db, [name for (name,) in rows], now) if rows else []


def of_instances(db: Connection) -> dict[str, Configured]:
    """Return what each instance has configured, by its id."""
    rows = db.execute(
        "SELECT instance, kind, name FROM configured WHERE gone_at IS NULL AND instance <> ''"
    ).fetchall()
    found = defaultdict[str, dict[str, set[str]]](lambda: {"gateway": set(), "endpoint": set()})
    for instance, kind, name in rows:
        found[instance][kind].add(name)
    return {
        instance: Configured(frozenset(of["gateway"]), frozenset(of["endpoint"]))
        for instance, of in found.items()
    }


def differing(db: Connection) -> list[str]:
    """Return the endpoints that live instances have configured with different URLs."""
    rows = db.execute(
        "SELECT name FROM configured WHERE kind = 'endpoint' AND gone_at IS NULL "
        "GROUP BY name HAVING count(DISTINCT mark) > 1 ORDER BY name"
    )
    return [name for (name,) in rows.fetchall()]
