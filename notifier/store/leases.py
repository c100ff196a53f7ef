"""Leases in SQL: who does what, and whether a writer still is the one who does it.

A lease without an owner is free. Its epoch grows with each owner, so that a fence of an earlier
ownership never fits again, even if it was the same instance's.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from notifier.model.lease import Fence, Lease, LeaseKind, shard_number, shard_of
from notifier.model.watch import Watch
from notifier.store import callback_hosts, mailbox, outbox, watches
from notifier.store.connection import LOCK, NUMBERS, TEXTS, Connection, listed
from notifier.store.fences import lasts

_COLUMNS = "name, kind, subject, owner, epoch, weight"


def ensure(db: Connection, wanted: Iterable[Lease]) -> None:
    """Make the leases that do not exist yet; each is free."""
    # in one order: another instance may make the same ones, of a config in another order
    db.executemany(
        "INSERT INTO leases (name, kind, subject) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
        sorted((lease.name, lease.kind, lease.subject) for lease in wanted),
    )


def all_leases(db: Connection) -> list[Lease]:
    """Return every lease as it is now."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM leases ORDER BY name").fetchall()
    return [_lease(row) for row in rows]


def _lease(row: Sequence[Any]) -> Lease:
    name, kind, subject, owner, epoch, weight = row
    return Lease(name, LeaseKind(kind), subject, owner, epoch, weight)


def take(db: Connection, owner: str, names: Sequence[str], now: float) -> list[Lease]:
    """Give an instance those of these leases that are free; return them.

    Attempts in flight in a lane were another's: they are interrupted. The mail of a shard is
    dropped, because its watches are all read next.
    """
    _lock(db, names)
    rows = db.execute(
        f"UPDATE leases SET owner = ?, epoch = epoch + 1 WHERE name IN {TEXTS} "
        f"AND owner IS NULL RETURNING {_COLUMNS}",
        (owner, listed(names)),
    ).fetchall()
    taken = sorted((_lease(row) for row in rows), key=lambda lease: lease.name)
    lanes = [lease.subject for lease in taken if lease.kind is LeaseKind.LANE]
    if lanes:
        outbox.release_interrupted(db, lanes)
        callback_hosts.restart(db, now, lanes)
    mailbox.drop(db, [lease.name for lease in taken if lease.kind is LeaseKind.WATCH])
    return taken


def _lock(db: Connection, names: Iterable[str]) -> None:
    """Lock leases that are changed next, in the order in which fences are."""
    db.execute(
        f"SELECT 1 FROM leases l WHERE name IN {TEXTS} ORDER BY name {LOCK.format('l')}",
        (listed(names),),
    )


def hand_over(db: Connection, fences: Sequence[Fence]) -> None:
    """Free the leases of which these ownerships last."""
    _lock(db, [fence.lease for fence in fences])
    db.executemany(
        "UPDATE leases SET owner = NULL WHERE name = ? AND owner = ? AND epoch = ?", fences
    )


def free_all(db: Connection, owner: str) -> None:
    """Free every lease of an instance that is no more."""
    _lock(
        db, [name for (name,) in db.execute("SELECT name FROM leases WHERE owner = ?", (owner,))]
    )
    db.execute("UPDATE leases SET owner = NULL WHERE owner = ?", (owner,))


def weigh(db: Connection, owner: str, weights: Mapping[str, float]) -> None:
    """Store how much work the leases of an instance are."""
    _lock(db, weights)
    db.executemany(
        "UPDATE leases SET weight = ? WHERE name = ? AND owner = ?",
        [(weight, name, owner) for name, weight in weights.items()],
    )


def watches_of(db: Connection, owned: Iterable[Lease]) -> list[Watch]:
    """Return the open watches of shards, except of those whose ownership is over."""
    shards = defaultdict[str, dict[int, Fence]](dict)
    for lease in owned:
        if lease.fence is not None and lasts(db, lease.fence):
            shards[lease.subject][shard_number(lease.name)] = lease.fence
    found = list[Watch]()
    of_shards = f"AND gateway = ? AND shard IN {NUMBERS}"
    for gateway, fences in shards.items():
        values = (gateway, listed(sorted(fences)))
        watches_now = watches.open_watches(db, where=of_shards, values=values)
        found += [replace(watch, fence=fences[shard_of(watch.row)]) for watch in watches_now]
    return found


def release_interrupted(db: Connection, owner: str) -> int:
    """Make deliveries in flight due again in the lanes of an instance; return how many."""
    rows = db.execute("SELECT subject FROM leases WHERE owner = ? AND kind = 'lane'", (owner,))
    lanes = [subject for (subject,) in rows.fetchall()]
    return outbox.release_interrupted(db, lanes) if lanes else 0
