"""Takes leases, does their work, and hands them over."""

from collections.abc import Callable, Iterable, Sequence
from random import Random

import trio

from notifier import log
from notifier.cluster.deps import MemberStore, Wanted, Work
from notifier.cluster.ownership import Member, decide
from notifier.errors import StoreError
from notifier.model.instance import ClusterState
from notifier.model.lease import (
    CHORES,
    SHARDS,
    Fence,
    Lease,
    LeaseKind,
    lane_lease,
    watch_lease,
)

_STORE_PAUSE = 1.0

_NOTICEABLE = 0.25
"""By how much a weight has to differ, as a share of it, before it is stored anew."""


class Leaseholder:
    """Owns what is this instance's share, of the `work` that its config `wanted`.

    A lease that has been free for `patience` seconds is taken whatever the share. `handed_over`
    is called when others may take what was handed over, `took_over` with the seconds from taking
    leases until their work was begun.
    """

    def __init__(
        self,
        store: MemberStore,
        work: Work,
        wanted: Wanted,
        *,
        patience: float,
        rng: Random,
        handed_over: Callable[[], None],
        took_over: Callable[[float], None],
    ) -> None:
        self._store = store
        self._work = work
        self._patience = patience
        self._rng = rng
        self._handed_over = handed_over
        self._took_over = took_over
        self.wanted = wanted
        self.is_leaving = False
        self._drained_as = ""
        """The registration of this instance whose row says that it drains; "" if none does."""
        self._held: dict[str, Lease] = {}
        self._leaving: set[str] = set()
        self._unstarted: list[Lease] = []
        self._unstarted_since = 0.0
        self._epochs: dict[str, int] = {}
        """The number of the last ownership of each lease that was known here."""
        self._free_since: dict[str, float] = {}
        self._log = log.get()

    @property
    def held(self) -> Sequence[Lease]:
        """The leases whose work this instance does."""
        return [lease for name, lease in self._held.items() if name not in self._leaving]

    @property
    def is_draining(self) -> bool:
        """Whether it hands over all that it owns: it ends, or an operator has it drained."""
        return self.is_leaving or bool(self._drained_as)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to hand over."""
        return not self._held

    def owns(self, fence: Fence | None) -> bool:
        """Tell whether an ownership lasts, as far as is known here."""
        if fence is None or fence.lease in self._leaving:
            return False
        held = self._held.get(fence.lease)
        return held is not None and held.fence == fence

    def holds(self, lease: str) -> bool:
        """Tell whether this instance has the lease of that name."""
        return lease in self._held

    def forget(self) -> None:
        """Own nothing any more: this instance was buried. The work has been dropped."""
        self._held.clear()
        self._leaving.clear()
        self._unstarted.clear()
        self._epochs.clear()
        self._free_since.clear()

    async def update(self, me: str, state: ClusterState, nursery: trio.Nursery) -> None:
        """Take and hand over what follows from `state`; raises StoreError.

        What is handed over is drained in `nursery` meanwhile.
        """
        state = await self._with_all_leases(state)
        await self._announce_draining(me, state)
        self._adopt(me, state)
        self._lose(me, state, nursery)
        leases = [self._as_known(lease, me) for lease in state.leases]
        decision = decide(
            self._me(me),
            self._members(me, state),
            [lease for lease in leases if lease.name not in self._leaving],
            left_over=self._left_over(leases, state.now),
            rng=self._rng,
        )
        if decision.hand_over:
            leaving = [self._held[fence.lease] for fence in decision.hand_over]
            self._leaving |= {lease.name for lease in leaving}
            nursery.start_soon(self._hand_over, leaving)
        await self._take(decision.take)
        await self._start()
        await self._weigh(leases)

    async def _with_all_leases(self, state: ClusterState) -> ClusterState:
        """Make the leases that do not exist yet, and return the state with them."""
        known = {lease.name for lease in state.leases}
        missing = [lease for lease in leases_of(self.wanted) if lease.name not in known]
        if missing:
            await self._store.ensure_leases(missing)
        return state._replace(leases=[*state.leases, *missing])

    async def _announce_draining(self, me: str, state: ClusterState) -> None:
        """Have the others take at once what this instance hands over, and leave nothing to it.

        It goes on draining when it was buried meanwhile: its new row does not say so yet. A row
        that says so no more was changed by an operator.
        """
        for one in state.instances:
            if one.instance.id != me:
                continue
            if one.draining:
                self._drained_as = me
            elif self._drained_as == me:
                self._drained_as = ""
            if self.is_draining and not one.draining:
                await self._store.announce_draining()

    def _adopt(self, me: str, state: ClusterState) -> None:
        """Hold what was taken without the answer having come."""
        for lease in state.leases:
            if lease.owner == me and lease.epoch > self._epochs.get(lease.name, -1):
                self._hold(lease)

    def _lose(self, me: str, state: ClusterState, nursery: trio.Nursery) -> None:
        """Let go what is owned by nobody or another since, though nothing was handed over."""
        lost = []
        for lease in state.leases:
            held = self._held.get(lease.name)
            if held is None or lease.name in self._leaving:
                continue
            same = lease.epoch == held.epoch
            if lease.epoch > held.epoch or (same and lease.owner != me):
                lost.append(self._held.pop(lease.name))
        if lost:
            self._log.error("leases_lost", **_counts(lost))
            self._leaving |= {lease.name for lease in lost}
            nursery.start_soon(self._let_go, lost)

    async def _let_go(self, leases: Sequence[Lease]) -> None:
        """End the work of leases that are lost; until then they are not taken again."""
        await self._work.stop(leases)
        self._leaving -= {lease.name for lease in leases}

    def _hold(self, lease: Lease) -> None:
        self._held[lease.name] = lease
        self._epochs[lease.name] = lease.epoch
        if not self._unstarted:
            self._unstarted_since = trio.current_time()
        self._unstarted.append(lease)

    def _left_over(self, leases: Iterable[Lease], now: float) -> set[str]:
        """Return the leases that nobody has taken for a while."""
        free = {lease.name for lease in leases if lease.owner is None}
        self._free_since = {name: self._free_since.get(name, now) for name in free}
        return {name for name, since in self._free_since.items() if now - since >= self._patience}

    def _as_known(self, lease: Lease, me: str) -> Lease:
        """Return a lease with what has changed here since the state was read."""
        held = self._held.get(lease.name)
        if held is not None:
            return held._replace(weight=lease.weight)
        return lease._replace(owner=None) if lease.owner == me else lease

    def _me(self, me: str) -> Member:
        wanted = self.wanted
        return Member(me, wanted.budgets.keys(), wanted.lanes, wanted.services, self.is_draining)

    def _members(self, me: str, state: ClusterState) -> Iterable[Member]:
        yield self._me(me)
        for one in state.instances:
            config = state.configured.get(one.instance.id)
            if one.instance.id != me and config is not None:
                yield Member(one.instance.id, *config, one.draining)

    async def _take(self, names: Sequence[str]) -> None:
        if not names:
            return
        taken = await self._store.take(names)
        for lease in taken:
            self._hold(lease)
        if taken:
            self._log.info("leases_taken", **_counts(taken))

    async def _start(self) -> None:
        """Begin the work of what was taken; what the store refuses is begun the next time."""
        starting = [lease for lease in self._unstarted if self.owns(lease.fence)]
        if starting:
            await self._work.start(starting)
            self._took_over(trio.current_time() - self._unstarted_since)
        begun = {lease.fence for lease in starting}
        self._unstarted = [
            lease
            for lease in self._unstarted
            if lease.fence not in begun and self.owns(lease.fence)
        ]

    async def _hand_over(self, leases: Sequence[Lease]) -> None:
        """End the work of leases, then free them as soon as the store can be reached."""
        await self._work.stop(leases)
        while left := [lease for lease in leases if self._held.get(lease.name) == lease]:
            try:
                await self._store.hand_over([lease.fence for lease in left if lease.fence])
            except StoreError as error:
                self._log.error("leases_not_handed_over", reason=str(error))
                await trio.sleep(_STORE_PAUSE)
                continue
            for lease in left:
                if self._held.get(lease.name) == lease:
                    del self._held[lease.name]
                    self._leaving.discard(lease.name)
            self._log.info("leases_handed_over", **_counts(left))
        self._handed_over()

    async def _weigh(self, leases: Iterable[Lease]) -> None:
        """Store the weights that differ noticeably from what the others know."""
        mine = [lease for lease in leases if self.owns(lease.fence)]
        weights = self._work.weights(mine)
        different = {
            lease.name: weight
            for lease in mine
            for weight in (weights[lease.name],)
            if abs(weight - lease.weight) > _NOTICEABLE * max(weight, lease.weight)
        }
        if different:
            await self._store.weigh(different)


def leases_of(wanted: Wanted) -> list[Lease]:
    """Return the leases of all work of a config, free."""
    named: list[tuple[str, LeaseKind, str]] = [(CHORES, LeaseKind.CHORES, "")]
    for gateway in wanted.budgets:
        named += [
            (watch_lease(gateway, shard), LeaseKind.WATCH, gateway) for shard in range(SHARDS)
        ]
    named += [(each.lease, each.kind, each.gateway) for each in sorted(wanted.services)]
    named += [(lane_lease(endpoint), LeaseKind.LANE, endpoint) for endpoint in wanted.lanes]
    return [Lease(name, kind, subject, None, 0) for name, kind, subject in named]


def _counts(leases: Iterable[Lease]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for lease in leases:
        counts[lease.kind.value] = counts.get(lease.kind.value, 0) + 1
    return counts
