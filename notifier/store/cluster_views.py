"""Reads for operators which instances share the store, and what each of them does."""

from collections import Counter, defaultdict

from notifier.model.cluster_view import ClusterView, InstanceView
from notifier.model.instance import lacking
from notifier.model.lease import LeaseKind
from notifier.store import configured, grants, instances, leases, watches
from notifier.store.connection import Connection


def read(db: Connection, now: float, me: str = "") -> ClusterView:
    """Return the instances at `now` by the database's clock, what they do, and the grants.

    `me` is the id of the instance that asks, if one does.
    """
    registered = instances.alive(db)
    if not registered:
        return ClusterView()
    names = {each.instance.id: each.instance.name for each in registered}
    kinds = defaultdict[str, Counter[LeaseKind]](Counter)
    polled, lanes = Counter[str](), dict[str, str]()
    open_watches = watches.open_by_lease(db)
    for lease in leases.all_leases(db):
        if lease.owner is None:
            continue
        kinds[lease.owner][lease.kind] += 1
        polled[lease.owner] += open_watches.get(lease.name, 0)
        if lease.kind is LeaseKind.LANE:
            lanes[lease.subject] = names[lease.owner]
    differing = set(configured.differing(db))
    has = configured.of_instances(db)
    lacks = lacking(has)
    views = [
        InstanceView(
            each,
            now,
            polled[each.instance.id],
            kinds[each.instance.id],
            sorted(name for name, owner in lanes.items() if owner == each.instance.name),
            sorted(differing & has[each.instance.id].endpoints) if each.instance.id in has else (),
            lacks.get(each.instance.id, ()),
        )
        for each in registered
    ]
    return ClusterView(views, lanes, grants.all_grants(db), me)
