"""Counts the open work of one instance: sums over all of them count each watch once."""

from collections import Counter

from notifier.model.lease import LeaseKind
from notifier.model.workload import Workload
from notifier.store import delivery_counts, endpoints, leases, watches
from notifier.store.connection import Connection


def count(db: Connection, instance: str) -> Workload:
    """Return the open watches in an instance's shards, and the backlogs of its lanes."""
    owned = [lease for lease in leases.all_leases(db) if lease.owner == instance]
    shards = {lease.name: lease.subject for lease in owned if lease.kind is LeaseKind.WATCH}
    open_watches = Counter[str]()
    for lease, number in watches.open_by_lease(db).items():
        if lease in shards:
            open_watches[shards[lease]] += number
    lanes = {lease.subject for lease in owned if lease.kind is LeaseKind.LANE}
    off = endpoints.disabled(db)
    backlogs = delivery_counts.backlogs(db, off).items()
    return Workload(
        open_watches,
        {name: backlog for name, backlog in backlogs if name in lanes},
        lanes.intersection(off),
        lanes,
    )
