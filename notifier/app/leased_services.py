"""What an instance among others does by lease, beside polling."""

from collections.abc import Callable, Collection, Sequence

import trio

from notifier.app.endpoints import Endpoints
from notifier.model.lease import Fence, Lease, LeaseKind
from notifier.store.fenced_lane import FencedLane
from notifier.store.shared_store import SharedStore

Restrict = Callable[[Collection[str]], None]
"""Does a kind of work for these subjects of leases, and for no others."""

_FINISHING_SECONDS = 10.0
"""How long a lane that is handed over may finish what is in flight."""


class LeasedServices:
    """Runs lanes, and restricts other kinds of work to what is leased.

    `owns` tells whether an ownership lasts, `others` does the work of the other kinds of lease.
    """

    def __init__(
        self,
        store: SharedStore,
        endpoints: Endpoints,
        owns: Callable[[Fence | None], bool],
        others: dict[LeaseKind, Restrict],
    ) -> None:
        self._store = store
        self._endpoints = endpoints
        self._owns = owns
        self._others = others
        self._fences: dict[str, Fence] = {}
        """By which ownership of each lease its work is done."""
        self._subjects: dict[LeaseKind, set[str]] = {kind: set() for kind in others}
        self._restrict()

    async def start(self, leases: Sequence[Lease]) -> None:
        """Run what leases are for; raises StoreError, then nothing was begun."""
        lanes = [lease for lease in leases if lease.kind is LeaseKind.LANE]
        # what its last owner knew of an endpoint is in the store
        health = await self._store.health() if lanes else {}
        for lease in leases:
            if lease.fence is None or not self._owns(lease.fence):
                continue
            self._fences[lease.name] = lease.fence
            if lease.kind is LeaseKind.LANE:
                store = FencedLane(self._store, lease.fence)
                self._endpoints.open_lane(lease.subject, store, health.get(lease.subject))
            else:
                self._subjects[lease.kind].add(lease.subject)
        self._restrict()

    async def stop(self, leases: Sequence[Lease]) -> None:
        """Stop it; return when what is in flight in lanes is recorded, or has had its time.

        What was taken again since goes on, by its new ownership.
        """
        leases = [lease for lease in leases if self._fences.get(lease.name) == lease.fence]
        for lease in leases:
            del self._fences[lease.name]
            if lease.kind is not LeaseKind.LANE:
                self._subjects[lease.kind].discard(lease.subject)
        self._restrict()
        with trio.move_on_after(_FINISHING_SECONDS):
            async with trio.open_nursery() as nursery:
                for lease in leases:
                    if lease.kind is LeaseKind.LANE:
                        nursery.start_soon(self._endpoints.retire_lane, lease.subject)

    def drop(self) -> None:
        """Stop it all without waiting."""
        self._fences.clear()
        self._endpoints.close_lanes(self._endpoints.lanes)
        for subjects in self._subjects.values():
            subjects.clear()
        self._restrict()

    def _restrict(self) -> None:
        for kind, restrict in self._others.items():
            restrict(frozenset(self._subjects[kind]))
