"""Does the work of leases with the parts of this daemon: its share of what all instances do."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from notifier.model.lease import Fence, Lease, LeaseKind
from notifier.model.watch import Watch, WatchChanges
from notifier.polling import Poller

_AT_LEAST = 0.1
"""How many requests a second an instance wants of a gateway that it polls nothing of."""


class ShardStore(Protocol):
    """What is read of shards that were taken."""

    async def watches_of(self, owned: Sequence[Lease]) -> list[Watch]:
        """Return the open watches of own shards, each with its fence."""


class Pollers(Protocol):
    """Polls watches (`notifier.polling.Supervisor`)."""

    @property
    def pollers(self) -> Mapping[int, Poller]:
        """The pollers by the row of their watch."""

    def take_over(self, watches: Iterable[Watch]) -> None:
        """Start polling watches that another instance polled."""

    def let_go(self, rows: Iterable[int]) -> None:
        """Stop polling watches that stay open."""

    def apply_changes(self, changes: WatchChanges) -> None:
        """Make the pollers match what has changed."""


class Snapshots(Protocol):
    """Stores what was last observed (`notifier.polling.SnapshotWriter`)."""

    async def flush(self) -> None:
        """Store what is left."""


class Listings(Protocol):
    """Keeps the store equal to what the files list (`notifier.polling.Sources`)."""

    def forget(self) -> None:
        """Sync everything with the store again."""


class Services(Protocol):
    """What runs in one instance at a time: lanes, discovery, archive, chores."""

    async def start(self, leases: Sequence[Lease]) -> None:
        """Run what leases are for; raises StoreError, then it is tried again."""

    async def stop(self, leases: Sequence[Lease]) -> None:
        """Stop it; return when what was begun is over and recorded, or has had its time."""

    def drop(self) -> None:
        """Stop it all without waiting."""


class Speeds(Protocol):
    """Asks gateways at the rates that are granted (`notifier.app.gateways.Gateways`)."""

    def grant(self, gateway: str, rate: float) -> None:
        """Ask a gateway at most `rate` times a second, 0 for never."""

    def rest_until(self, gateway: str) -> float:
        """Return when the latest rest of a gateway ends or ended (`Clock.now`), or 0."""

    def rest(self, gateway: str, until: float) -> None:
        """Ask a gateway nothing until then (`Clock.now`)."""

    def fastest(self, gateway: str) -> float:
        """Return how often a single video may be asked about, in polls a second."""


class SharedWork:
    """Joins leases with what does their work; `owns` tells whether an ownership lasts."""

    def __init__(
        self,
        store: ShardStore,
        pollers: Pollers,
        snapshots: Snapshots,
        services: Services,
        speeds: Speeds,
        listings: Listings,
        owns: Callable[[Fence | None], bool],
    ) -> None:
        self._store = store
        self._pollers = pollers
        self._snapshots = snapshots
        self._services = services
        self._speeds = speeds
        self._listings = listings
        self._owns = owns

    async def start(self, leases: Sequence[Lease]) -> None:
        """Poll the watches of shards, and run the other services; raises StoreError."""
        shards = [lease for lease in leases if lease.kind is LeaseKind.WATCH]
        # what has little to read is not kept waiting
        await self._services.start([one for one in leases if one.kind is not LeaseKind.WATCH])
        found = await self._store.watches_of(shards)
        self._pollers.take_over(watch for watch in found if self._owns(watch.fence))

    async def stop(self, leases: Sequence[Lease]) -> None:
        """Stop polling, store what was observed, and stop the other services in good order."""
        fences = {lease.fence for lease in leases}
        self._pollers.let_go(self._rows(fences))
        await self._snapshots.flush()
        await self._services.stop([one for one in leases if one.kind is not LeaseKind.WATCH])

    def drop(self) -> None:
        """Stop all at once; what the files list is compared with the store again."""
        self._pollers.let_go(list(self._pollers.pollers))
        self._services.drop()
        self._listings.forget()

    def weights(self, leases: Sequence[Lease]) -> Mapping[str, float]:
        """Return 1 for each lease, and 1 more for each watch of a shard."""
        of = Counter(poller.watch.fence for poller in self._pollers.pollers.values())
        return {lease.name: 1.0 + of[lease.fence] for lease in leases}

    def apply(self, changes: WatchChanges) -> None:
        """Make the pollers match what has changed in own shards."""
        self._pollers.apply_changes(changes)

    def wants(self, gateway: str) -> float:
        """Return how often this instance would ask if all its videos were about to end."""
        polled = sum(
            poller.watch.key.gateway == gateway for poller in self._pollers.pollers.values()
        )
        return max(polled * self._speeds.fastest(gateway), _AT_LEAST)

    def set_rate(self, gateway: str, rate: float) -> None:
        """Ask a gateway at most `rate` times a second from now on."""
        self._speeds.grant(gateway, rate)

    def rest_until(self, gateway: str) -> float:
        """Return when the latest rest ends or ended, 0 if there was none."""
        return self._speeds.rest_until(gateway)

    def rest(self, gateway: str, until: float) -> None:
        """Ask a gateway nothing until then."""
        self._speeds.rest(gateway, until)

    def _rows(self, fences: set[Fence | None]) -> list[int]:
        return [row for row, one in self._pollers.pollers.items() if one.watch.fence in fences]
