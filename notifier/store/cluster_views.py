"""Reads for operators which instances share the store, and what each of them does."""

from collections import Counter, defaultdict

from notifier.model.cluster_view import ClusterView, InstanceView
from notifier.model.lease import LeaseKind, watch_lease
from notifier.store import configured, grants, instances, leases
from notifier.store.connection import Connection


def read(db: Connection, now: float) -> ClusterView:
    """Return the instances at `now` by the database's clock, what they do, and the grants."""
    registered = instances.alive(db)
    if not registered:
        return ClusterView()
    names = {each.instance.id: each.instance.name for each in registered}
    kinds = defaultdict[str, Counter[LeaseKind]](Counter)
    watches, lanes = Counter[str](), dict[str, str]()
    open_watches = _open_by_lease(db)
    for lease in leases.all_leases(db):
        if lease.owner is None:
            continue
        kinds[lease.owner][lease.kind] += 1
        watches[lease.owner] += open_watches.get(lease.name, 0)
        if lease.kind is LeaseKind.LANE:
            lanes[lease.subject] = names[lease.owner]
    differing = set(configured.differing(db))
    has = configured.of_instances(db)
    views = [
        InstanceView(
            each,
            now,
            watches[each.instance.id],
            kinds[each.instance.id],
            sorted(name for name, owner in lanes.items() if owner == each.instance.name),
            sorted(differing & has[each.instance.id].endpoints) if each.instance.id in has else (),
        )
        for each in registered
    ]
    return ClusterView(views, lanes, grants.all_grants(db))


def _open_by_lease(db: Connection) -> dict[str, int]:
    """Return how many watches are open, by the lease of their shard."""
    rows = db.execute(
        "SELECT gateway, shard, count(*) FROM watches WHERE state = 'open' GROUP BY gateway, shard"
    ).fetchall()
    return {watch_lease(gateway, shard): number for gateway, shard, number in rows}
