"""Instances: the processes that share one store."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from notifier.model.lease import Lease, Service
from notifier.model.watch import callback_lane


class Instance(NamedTuple):
    """One run of a process that shares the store.

    `id` is new with each registration, `name` is the operator's. `boot` identifies the boot of the
    machine `host`, within which `pid` is unique. `schema_version` is what it reads and writes.
    """

    id: str
    name: str
    host: str
    boot: str
    pid: int
    version: str
    schema_version: int


class Registered(NamedTuple):
    """An instance as the store has it; times are by the database's clock (Unix seconds)."""

    instance: Instance
    started_at: float
    expires_at: float
    draining: bool

    def works(self, now: float) -> bool:
        """Tell whether it lives and does not hand over what it does."""
        return self.expires_at >= now and not self.draining


class Configured(NamedTuple):
    """What the config of an instance has, by name; endpoints include the lanes of callbacks.

    `services` is what it does of the gateways beside polling.
    """

    gateways: frozenset[str] = frozenset()
    endpoints: frozenset[str] = frozenset()
    services: frozenset[Service] = frozenset()


def lacking(configured: Mapping[str, Configured]) -> dict[str, list[str]]:
    """Return what each instance has not that another one has, by id: endpoints, without lanes.

    An event does not go to the endpoints that are unknown to the instance which records it. One
    without gateways records none.
    """
    known = {name for each in configured.values() for name in each.endpoints}
    known = {name for name in known if not name.endswith(callback_lane(""))}
    return {
        instance: sorted(known - each.endpoints)
        for instance, each in configured.items()
        if each.gateways
    }


class ClusterState(NamedTuple):
    """What the store says at a beat; `now` is the database's clock (Unix seconds).

    `differing` are the endpoints that live instances have configured with different URLs.
    """

    now: float
    instances: Sequence[Registered]
    configured: Mapping[str, Configured]
    leases: Sequence[Lease]
    differing: Sequence[str] = ()
