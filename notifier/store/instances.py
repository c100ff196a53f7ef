"""Instances in SQL: who is alive. An instance is dead when its row is gone, not when it is late.

The times here are by the database's clock alone, so that clocks of machines are never compared.
"""

from notifier.model.instance import ClusterState, Instance, Registered
from notifier.model.lease import LONGEST_LEASE
from notifier.store import configured, leases
from notifier.store.connection import LOCK, Connection
from notifier.store.oldest_writer import refuse_older

_COLUMNS = "id, name, host, boot, pid, version, schema_version, started_at, expires_at, draining"


def register(db: Connection, instance: Instance, lease: float, now: float) -> bool:
    """Add an instance that lives for `lease` seconds; False while another has its name.

    Raises OutdatedError for one that cannot work with the tables any more.
    """
    if db.execute("SELECT 1 FROM instances WHERE name = ?", (instance.name,)).fetchone():
        return False
    db.execute(
        "INSERT INTO instances (id, name, host, boot, pid, version, schema_version, started_at, "
        "expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*instance, now, now + lease),
    )
    # after the insert, which waits for a step that is being taken
    refuse_older(db, instance.schema_version)
    configured.leave(db, now)
    return True


def beat(db: Connection, instance: str, lease: float, now: float) -> bool:
    """Let an instance live for `lease` seconds from now on; False if it was buried."""
    return (
        db.execute(
            "UPDATE instances SET expires_at = ? WHERE id = ?", (now + lease, instance)
        ).rowcount
        > 0
    )


def bury_expired(
    db: Connection, by: str, as_of: float, now: float, *, only: str = ""
) -> list[Instance]:
    """Remove and return the instances whose time was over `as_of` then; free what they owned.

    Those whose time is too far off have not beaten since the clock was set back. With the id
    `only`, no other instance is looked at.
    """
    # the lock waits for those that just beat, and looks at them again
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM instances i WHERE (expires_at < ? OR expires_at > ?) "
        f"AND id <> ? AND (? = '' OR id = ?) ORDER BY id {LOCK.format('i')}",
        (as_of, as_of + LONGEST_LEASE, by, only, only),
    ).fetchall()
    dead = [_registered(row).instance for row in rows]
    for instance in dead:
        remove(db, instance.id, now)
    return dead


def remove(db: Connection, instance: str, now: float) -> None:
    """Remove an instance, its grants and its ownerships."""
    leases.free_all(db, instance)
    db.execute("DELETE FROM grants WHERE instance = ?", (instance,))
    db.execute("DELETE FROM instances WHERE id = ?", (instance,))
    configured.leave(db, now)


def set_draining(db: Connection, instance: str, *, draining: bool = True) -> None:
    """Let an instance hand over all that it owns, or take its share again."""
    db.execute("UPDATE instances SET draining = ? WHERE id = ?", (int(draining), instance))


def locked(db: Connection) -> list[Registered]:
    """Return the instances that were not buried, which change no more in this transaction."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM instances i ORDER BY id {LOCK.format('i')}")
    return [_registered(row) for row in rows.fetchall()]


def alive(db: Connection) -> list[Registered]:
    """Return the instances that were not buried, by name."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM instances ORDER BY name, id").fetchall()
    return [_registered(row) for row in rows]


def state(db: Connection, now: float) -> ClusterState:
    """Return who is alive, what each has configured, and who owns what."""
    has = configured.of_instances(db)
    return ClusterState(now, alive(db), has, leases.all_leases(db), configured.differing(db))


def _registered(row: tuple[object, ...]) -> Registered:
    *identity, started_at, expires_at, draining = row
    return Registered(
        Instance(*identity),  # type: ignore[arg-type]  # as the table's columns are
        float(started_at),  # type: ignore[arg-type]
        float(expires_at),  # type: ignore[arg-type]
        bool(draining),
    )
