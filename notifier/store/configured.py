"""What the configs of several instances have, in SQL: gateways and endpoints, each with a mark.

Configs need not be equal: while one is rolled out they are not. An endpoint is removed when no
live instance has had it in many looks, one after the other, so that an instance with an older
config cancels nothing, and no step of a clock does. Few looks are enough once an instance has
dropped it: by a reload, by coming back under its name without it, or because an operator forgets
the instance. One that ended, or died, with the endpoint in its config is expected back.

The mark of an endpoint is of its URL, that of a gateway names what the instance does of it by
lease.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from notifier.model.delivery import CancelledDeliveries
from notifier.model.instance import Configured
from notifier.model.lease import LeaseKind, Service
from notifier.store import outbox
from notifier.store.connection import Connection

DROPPED_LOOKS = 10
"""In how many looks an endpoint that was dropped is found gone before it is removed."""

SILENT_LOOKS = 1440
"""The same for one that an instance had when it ended: a day of looks, one a minute."""

_SERVICES = {kind.value: kind for kind in (LeaseKind.DISCOVERY, LeaseKind.ARCHIVE)}


def gateway_marks(gateways: Iterable[str], services: Collection[Service]) -> dict[str, str]:
    """Return the mark of each gateway of an instance that does `services`."""
    return {
        name: " ".join(word for word, kind in _SERVICES.items() if Service(kind, name) in services)
        for name in gateways
    }


def configure(
    db: Connection, instance: str, kind: str, marks: Mapping[str, str], now: float
) -> None:
    """Store what the config of a live instance has of a kind from now on.

    What it has no more is dropped, also if it is of a former registration under its name.
    """
    row = db.execute("SELECT name FROM instances WHERE id = ?", (instance,)).fetchone()
    name = "" if row is None else row[0]
    db.execute(
        "UPDATE configured SET gone_at = ?, looks_left = ? "
        "WHERE kind = ? AND instance = ? AND gone_at IS NULL",
        (now, DROPPED_LOOKS, kind, instance),
    )
    db.executemany(
        "INSERT INTO configured (kind, name, instance, mark, instance_name, looks_left) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, name, instance) DO UPDATE SET "
        "mark = excluded.mark, gone_at = NULL, looks_left = excluded.looks_left",
        [(kind, each, instance, mark, name, SILENT_LOOKS) for each, mark in marks.items()],
    )
    if name:
        drop(db, name, kind)


def drop(db: Connection, name: str, kind: str) -> bool:
    """Let what former registrations of an instance had be dropped; tell whether there is any."""
    rows = db.execute(
        "UPDATE configured SET looks_left = CASE WHEN looks_left > ? THEN ? ELSE looks_left END "
        "WHERE kind = ? AND instance_name = ? AND gone_at IS NOT NULL",
        (DROPPED_LOOKS, DROPPED_LOOKS, kind, name),
    )
    return rows.rowcount > 0


def leave(db: Connection, now: float) -> None:
    """Let what instances had that live no more be gone from now on."""
    db.execute(
        "UPDATE configured SET gone_at = ? WHERE gone_at IS NULL "
        "AND instance NOT IN (SELECT id FROM instances)",
        (now,),
    )


def cancel_removed(db: Connection, now: float) -> Sequence[CancelledDeliveries]:
    """Look once; forget what is gone for good, and cancel what is pending for such endpoints.

    Call it once a minute, whatever the clock says.
    """
    db.execute("UPDATE configured SET looks_left = looks_left - 1 WHERE gone_at IS NOT NULL")
    db.execute("DELETE FROM configured WHERE gone_at IS NOT NULL AND looks_left <= 0")
    rows = db.execute("SELECT DISTINCT name FROM configured WHERE kind = 'endpoint'").fetchall()
    return outbox.cancel_removed(db, [name for (name,) in rows], now) if rows else []


def of_instances(db: Connection) -> dict[str, Configured]:
    """Return what each instance has configured, by its id."""
    rows = db.execute(
        "SELECT instance, kind, name, mark FROM configured "
        "WHERE gone_at IS NULL AND instance <> ''"
    ).fetchall()
    found = defaultdict[str, dict[str, dict[str, str]]](lambda: {"gateway": {}, "endpoint": {}})
    for instance, kind, name, mark in rows:
        found[instance][kind][name] = mark
    return {
        instance: Configured(
            frozenset(of["gateway"]), frozenset(of["endpoint"]), _services(of["gateway"])
        )
        for instance, of in found.items()
    }


def _services(marks: Mapping[str, str]) -> frozenset[Service]:
    """Return what the marks of gateways name; what only a newer notifier knows is left out."""
    return frozenset(
        Service(_SERVICES[word], name)
        for name, mark in marks.items()
        for word in mark.split()
        if word in _SERVICES
    )


def differing(db: Connection) -> list[str]:
    """Return the endpoints that live instances have configured with different URLs."""
    rows = db.execute(
        "SELECT name FROM configured WHERE kind = 'endpoint' AND gone_at IS NULL "
        "GROUP BY name HAVING count(DISTINCT mark) > 1 ORDER BY name"
    )
    return [name for (name,) in rows.fetchall()]
