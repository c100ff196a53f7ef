"""The work of an instance among others: its share, which changes as they come and go."""

from collections.abc import Iterator
from contextlib import suppress

import trio

from notifier import log
from notifier.app import wiring
from notifier.app.assembly import Parts
from notifier.app.chores import Chores
from notifier.app.discoveries import Discoveries
from notifier.app.leased_services import LeasedServices
from notifier.app.shared_work import SharedWork
from notifier.app.watch_following import MailedChanges, WatchFollower
from notifier.cluster.deps import Wanted
from notifier.cluster.member import Member
from notifier.cluster.membership import Membership
from notifier.config import Config
from notifier.errors import StoreError
from notifier.model.lease import Fence, LeaseKind, Service
from notifier.polling import Sources, Supervisor
from notifier.store.shared_store import SharedStore

HAND_OVER_SECONDS = 15.0
"""How long the end of an instance waits for its leases to be handed over."""

_LEAVE_SECONDS = 5.0
_LOOK = 2.0
"""The time between two looks at what other instances have recorded, in seconds."""


class ClusterMember:
    """Does what this instance has leased; see `notifier.app.share.Share`."""

    def __init__(
        self,
        store: SharedStore,
        membership: Membership,
        parts: Parts,
        sources: Sources,
        supervisor: Supervisor,
        config: Config,
    ) -> None:
        self._parts = parts
        self._store = store
        self._config = config
        self._scope = trio.CancelScope()
        self.follower: WatchFollower = MailedChanges(supervisor, self._look_at_mail)
        self.discoveries = Discoveries(parts.runtime, parts.gateways, sources, self.follower)
        self._chores = Chores(store, lambda: self._config.retention, parts.runtime.clock.now)
        others = {
            LeaseKind.DISCOVERY: self.discoveries.restrict,
            LeaseKind.ARCHIVE: parts.follow_ups.restrict,
            LeaseKind.CHORES: self._chores.restrict,
        }
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

    def _look_at_mail(self) -> None:
        self.member.hint()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Do the share of this instance until cancelled or handed over."""
        parts = self._parts
        async with trio.open_nursery() as nursery:
            await nursery.start(self.discoveries.run, self._config.gateways)
            await nursery.start(parts.follow_ups.run, parts.outbox.publish_follow_up)
            await nursery.start(self._chores.run)
            with self._scope:
                async with trio.open_nursery() as belonging:
                    await belonging.start(self.member.run)
                    task_status.started()
                    await self._keep_looking()

    async def _keep_looking(self) -> None:
        """Look at what is due, though no hint crosses from the instances that record it."""
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
