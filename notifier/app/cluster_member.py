"""The work of an instance among others: its share, which changes as they come and go."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from functools import partial
from typing import Protocol

import trio

from notifier import log
from notifier.app import wiring
from notifier.app.assembly import Parts
from notifier.app.chores import Chores
from notifier.app.discoveries import Discoveries
from notifier.app.leased_services import LeasedServices
from notifier.app.shared_history import SharedHistory
from notifier.app.shared_work import SharedWork
from notifier.app.watch_following import MailedChanges, WatchFollower
from notifier.cluster.deps import Wanted
from notifier.cluster.member import Member
from notifier.cluster.membership import Membership
from notifier.config import Config
from notifier.errors import StoreError
from notifier.model.hint import Hint, HintKind
from notifier.model.lease import Fence, LeaseKind, Service
from notifier.polling import Sources, Supervisor
from notifier.store.shared_store import SharedStore

HAND_OVER_SECONDS = 15.0
"""How long the end of an instance waits for its leases to be handed over."""

_LEAVE_SECONDS = 5.0
_LOOK = 2.0
"""The time between two looks at what other instances have recorded, in seconds."""


class Hints(Protocol):
    """Hints between the instances, each of which may be lost (`notifier.store.postgres.hints`)."""

    def send(self, kind: HintKind, name: str = "") -> None:
        """Tell the other instances soon; call it after the commit of what they will find."""

    def heard(self) -> AsyncGenerator[Hint, None]:
        """Yield what the others send, for ever, and send meanwhile."""


class ClusterMember:
    """Does what this instance has leased; see `notifier.app.share.Share`.

    `hints` make others look at once for what they would find within some seconds.
    """

    def __init__(
        self,
        store: SharedStore,
        membership: Membership,
        hints: Hints,
        parts: Parts,
        sources: Sources,
        supervisor: Supervisor,
        config: Config,
    ) -> None:
        self._parts = parts
        self._hints = hints
        self._store = store
        self._config = config
        self._scope = trio.CancelScope()
        self.follower: WatchFollower = MailedChanges(supervisor, self._mailed)
        self.discoveries = Discoveries(parts.runtime, parts.gateways, sources, self.follower)
        self._chores = Chores(store, lambda: self._config, parts.runtime.clock.now)
        others = {
            LeaseKind.DISCOVERY: self.discoveries.restrict,
            LeaseKind.ARCHIVE: parts.follow_ups.restrict,
            LeaseKind.CHORES: self._chores.restrict,
        }
        parts.endpoints.dispatcher.wake_elsewhere = partial(hints.send, HintKind.DELIVERIES)
        services = LeasedServices(store, parts.endpoints, self._owns, others)
        work = SharedWork(
            store,
            supervisor,
            parts.readings,
            services,
            parts.gateways,
            sources,
            owns=self._owns,
        )
        self.member = Member(store, work, _wanted(config), membership, parts.runtime.metrics)

    def _owns(self, fence: Fence | None) -> bool:
        return self.member.leaseholder.owns(fence)

    def _mailed(self, lease: str) -> None:
        """Have the owner of a lease look at its mail, or everybody if it may be for any."""
        if not lease or self.member.leaseholder.holds(lease):
            self.member.hint()
        if not self.member.leaseholder.holds(lease):
            self._hints.send(HintKind.MAIL, lease)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Do the share of this instance until cancelled or handed over."""
        parts = self._parts
        async with trio.open_nursery() as nursery:
            await nursery.start(self.discoveries.run, self._config.gateways)
            await nursery.start(parts.follow_ups.run, parts.outbox.publish_follow_up)
            await nursery.start(self._chores.run)
            # until the end: others are to hear of what is handed over
            nursery.start_soon(self._follow_hints)
            if isinstance(parts.deps.history, SharedHistory):
                nursery.start_soon(parts.deps.history.keep_learning, self._store)
            with self._scope:
                async with trio.open_nursery() as belonging:
                    await belonging.start(self.member.run)
                    task_status.started()
                    await self._keep_looking()

    async def _follow_hints(self) -> None:
        async with aclosing(self._hints.heard()) as heard:
            async for kind, name in heard:
                self._follow_hint(kind, name)

    def _follow_hint(self, kind: HintKind, name: str) -> None:
        match kind:
            case HintKind.MAIL:
                if not name or self.member.leaseholder.holds(name):
                    self.member.hint()
            case HintKind.DELIVERIES:
                if name in self._parts.endpoints.lanes:
                    self._parts.endpoints.dispatcher.wake([name])
            case HintKind.LEASES:
                self.member.membership.hint()

    async def _keep_looking(self) -> None:
        """Look at what is due, since a hint of it may have been lost."""
        endpoints, follow_ups = self._parts.endpoints, self._parts.follow_ups
        while True:
            await trio.sleep(_LOOK)
            if not self._parts.runtime.may_work():
                continue
            # what waits for the store says so itself
            with suppress(StoreError):
                endpoints.follow(await self._store.health())
            endpoints.dispatcher.wake(list(endpoints.lanes))
            for gateway in self._config.gateways:
                follow_ups.wake(gateway)

    def change(self, config: Config) -> None:
        """Own what another config has, which the parts have already."""
        self._config = config
        self.member.change(_wanted(config))

    async def hand_over(self) -> None:
        """Hand all leases over, and leave; what cannot be handed over in time is taken later."""
        with trio.move_on_after(HAND_OVER_SECONDS) as patience:
            await self.member.drain()
        if patience.cancelled_caught:
            log.get().warning("not_all_handed_over", after=HAND_OVER_SECONDS)
        self._scope.cancel()
        with trio.move_on_after(_LEAVE_SECONDS):
            try:
                await self.member.leave()
            except StoreError as error:
                log.get().error("not_left", reason=str(error))


def _wanted(config: Config) -> Wanted:
    gateways = config.gateways.items()
    budgets = {name: settings.max_requests_per_second for name, settings in gateways}
    return Wanted(budgets, tuple(wiring.lanes(config)), frozenset(_services(config)))


def _services(config: Config) -> Iterator[Service]:
    """Yield what is to be done beside polling; who archives gives the expiry notices, too."""
    for name, settings in config.gateways.items():
        if settings.discover:
            yield Service(LeaseKind.DISCOVERY, name)
        if settings.archive or settings.expiry_notice is not None:
            yield Service(LeaseKind.ARCHIVE, name)
