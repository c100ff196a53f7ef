"""What operators see of the instances that share one store.

The keys of `as_row` are a contract with scripts: those of `--json` and of the control API.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from notifier.model.grant import Grant
from notifier.model.instance import Registered
from notifier.model.lease import LeaseKind
from notifier.model.views import Row


@dataclass(frozen=True, slots=True)
class InstanceView:
    """An instance that was not buried, and what it does; `now` is the database's clock.

    `watches` is how many open watches are in its shards, `leases` how many leases of each kind it
    has. `lanes` are the endpoints that it delivers to, `differs` those that another live instance
    has configured with another URL, `lacks` those that only others have.
    """

    registered: Registered
    now: float
    watches: int = 0
    leases: Mapping[LeaseKind, int] = field(default_factory=dict)
    lanes: Sequence[str] = ()
    differs: Sequence[str] = ()
    lacks: Sequence[str] = ()

    @property
    def name(self) -> str:
        """The operator's name of it."""
        return self.registered.instance.name

    def as_row(self) -> Row:
        """Return the instance as scripts see it; times are by the database's clock."""
        identity = self.registered.instance
        left = self.registered.expires_at - self.now
        return {
            "name": identity.name,
            "id": identity.id,
            "host": identity.host,
            "pid": identity.pid,
            "version": identity.version,
            "started_at": round(self.registered.started_at, 3),
            "uptime_seconds": max(round(self.now - self.registered.started_at), 0),
            "alive": left >= 0,
            "expires_in_seconds": round(left, 1),
            "draining": self.registered.draining,
            "watches": self.watches,
            "leases": {kind.value: self.leases.get(kind, 0) for kind in LeaseKind},
            "lanes": list(self.lanes),
            "config_differs": list(self.differs),
            "config_lacks": list(self.lacks),
        }


@dataclass(frozen=True, slots=True)
class ClusterView:
    """All instances by name, which of them delivers to each endpoint, and the grants.

    `me` is the id of the instance that asks, if one does. Everything is empty where one process
    has its store alone.
    """

    instances: Sequence[InstanceView] = ()
    lanes: Mapping[str, str] = field(default_factory=dict)
    grants: Mapping[str, Sequence[Grant]] = field(default_factory=dict)
    me: str = ""

    def granted(self, gateway: str) -> float | None:
        """Return how many requests a second the own instance may make; None without a grant."""
        grants = self.grants.get(gateway, ())
        return next((each.rate for each in grants if each.instance == self.me), None)

    def as_rows(self) -> list[Row]:
        """Return the instances as scripts see them."""
        return [each.as_row() for each in self.instances]
