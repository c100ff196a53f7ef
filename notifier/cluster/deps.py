"""What a member of the cluster needs of the store, and of the work that leases are for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from notifier.model.grant import Grant, Granted
from notifier.model.instance import ClusterState, Instance, Registered
from notifier.model.lease import Fence, Lease, Service
from notifier.model.watch import Mail, WatchChanges


class MemberStore(Protocol):
    """The part of the store that instances share; every method raises StoreError."""

    async def register(self, instance: Instance, lease: float, gateways: Collection[str]) -> bool:
        """Add this instance; False while its name is taken."""

    async def instances(self) -> list[Registered]:
        """Return the instances that were not buried."""

    async def beat(self, lease: float) -> ClusterState | None:
        """Live on; return how things are, None if this instance was buried."""

    async def bury_expired(self, as_of: float) -> list[Instance]:
        """Remove the instances whose time was over `as_of` then; return them."""

    async def history(self) -> str:
        """Return which history of commits the store has, "" if that cannot be told now."""

    async def bury(self, instance: str) -> None:
        """Remove an instance that is known to be dead."""

    async def bury_if_expired(self, instance: str) -> bool:
        """Remove an instance whose time is over; tell whether it was."""

    async def leave(self) -> None:
        """Remove this instance."""

    async def announce_draining(self) -> None:
        """Tell the others that this instance hands over all that it owns."""

    async def configure_gateways(
        self, gateways: Collection[str], services: Collection[Service]
    ) -> None:
        """Store which gateways this instance has, and what it does of them, from now on."""

    async def ensure_leases(self, wanted: Sequence[Lease]) -> None:
        """Make the leases that do not exist yet."""

    async def take(self, names: Sequence[str]) -> list[Lease]:
        """Own those of these leases that are free; return them."""

    async def hand_over(self, fences: Sequence[Fence]) -> None:
        """Free these leases."""

    async def weigh(self, weights: Mapping[str, float]) -> None:
        """Store how much work some of the own leases are."""

    async def read_mail(self, applied: Collection[int]) -> Mail:
        """Remove the mail that was `applied`, and return the next of this instance."""

    async def adjust_grant(
        self,
        gateway: str,
        mine: Grant,
        next_rate: Callable[[Grant, Sequence[Grant]], float],
        rest_until: float,
    ) -> Granted:
        """Return what `mine` may become; it is committed unless it is lower.

        `rest_until` is when the rest of the gateway ends that this instance knows of.
        """

    async def lower_grant(self, gateway: str, mine: Grant) -> None:
        """Commit the lower rate at which this instance asks already."""


class Work(Protocol):
    """The work that leases are for."""

    async def start(self, leases: Sequence[Lease]) -> None:
        """Do the work of leases from now on; raises StoreError, then it is tried again.

        A lease may be lost while this reads the store (`Leaseholder.owns`).
        """

    async def stop(self, leases: Sequence[Lease]) -> None:
        """End the work of leases in good order: return once it is over and recorded."""

    def drop(self) -> None:
        """End all work at once: other instances do it, or may."""

    def weights(self, leases: Sequence[Lease]) -> Mapping[str, float]:
        """Return how much work leases are, by name, in proportion to others of their kind."""

    def apply(self, changes: WatchChanges) -> None:
        """Make the pollers match what has changed in own shards."""

    def wants(self, gateway: str) -> float:
        """Return how many requests a second this instance would like to make."""

    def set_rate(self, gateway: str, rate: float) -> None:
        """Make at most `rate` requests a second from now on; 0 for none."""

    def rest_until(self, gateway: str) -> float:
        """Return when the latest rest ends or ended (Unix seconds, the database's clock), or 0."""

    def rest(self, gateway: str, until: float) -> None:
        """Make no request until then: another instance was told to wait."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a member lives.

    `clock` goes on while the machine sleeps (seconds). `new_id` draws the id of a registration.
    `is_dead` tells whether the process of a registered instance is known to have ended.
    `set_time` is called with the database's time (Unix seconds) at a moment of `clock`.
    `leases_freed` tells the other instances, that there may be leases to take.
    """

    clock: Callable[[], float]
    new_id: Callable[[], str]
    is_dead: Callable[[Instance], bool]
    set_time: Callable[[float, float], None] = lambda _now, _at: None
    leases_freed: Callable[[], None] = lambda: None
    rng: Random = field(default_factory=Random)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the config has: the budget of each gateway in requests a second, and the lanes.

    `services` is what it wants done of the gateways beside polling.
    """

    budgets: Mapping[str, float]
    lanes: Collection[str]
    services: frozenset[Service] = frozenset()
