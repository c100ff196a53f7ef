"""What is done after completed endings on each gateway, as the config has it now."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import trio

from notifier.app.archives import Archives, Draft, Publish
from notifier.app.gateways import Gateways
from notifier.app.restarting import keep_running
from notifier.app.runtime import Runtime
from notifier.archive import ExpiryDeps, ExpiryNotices
from notifier.config import Config
from notifier.model.event import Ending, EventType
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan, expiry
from notifier.polling import GatewayScheduler


class _Notices(NamedTuple):
    scheduler: GatewayScheduler
    notices: ExpiryNotices
    scope: trio.CancelScope


class FollowUps:
    """Plans what follows an ending, and does it: notices, and copies in `archives`."""

    def __init__(self, runtime: Runtime, gateways: Gateways) -> None:
        self._runtime = runtime
        self._gateways = gateways
        self._notices: dict[str, _Notices] = {}
        self._wanted: Mapping[str, float] = {}
        self._only: Collection[str] | None = None
        self._archiving: frozenset[str] = frozenset()
        self.archives = Archives(runtime)
        self._nursery: trio.Nursery | None = None
        self._publish: Publish | None = None

    def plan(self, ending: Ending) -> FollowUpPlan:
        """Return what is to be done after an ending.

        A timer is started whether or not notices are wanted now: a later config may want them.
        """
        if ending.type is not EventType.COMPLETED:
            return NO_FOLLOW_UP
        clock = self._runtime.clock
        return FollowUpPlan(
            expiry(ending.snapshot, clock.wall(), clock.now()),
            archive=ending.watch.key.gateway in self._archiving,
        )

    def wake(self, gateway: str) -> None:
        """Hint that there may be something to do for a gateway."""
        if gateway in self._notices:
            self._notices[gateway].notices.wake()
        self.archives.wake(gateway)

    async def run(
        self,
        publish: Publish,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Do what follows, as the config wants it, for ever; `publish` makes events durable."""
        self._publish = publish
        async with trio.open_nursery() as self._nursery:
            self._match(self._wanted)
            task_status.started()
            await self.archives.run(self._nursery, publish)
            await trio.sleep_forever()

    def change(self, config: Config, archives: Draft) -> None:
        """Do what `config` wants from now on."""
        self.archives.commit(config, archives)
        self._archiving = frozenset(
            name for name, settings in config.gateways.items() if settings.archive
        )
        self._wanted = {
            name: settings.expiry_notice
            for name, settings in config.gateways.items()
            if settings.expiry_notice is not None
        }
        self._match(self._wanted)

    def restrict(self, gateways: Collection[str]) -> None:
        """Do it for these gateways alone: other instances do it for the others."""
        self._only = gateways
        self.archives.restrict(gateways)
        self._match(self._wanted)

    def _match(self, wanted: Mapping[str, float]) -> None:
        """Give notices for the gateways in `wanted` that are this instance's, and no others."""
        if self._only is not None:
            wanted = {name: notice for name, notice in wanted.items() if name in self._only}
        for name in self._notices.keys() - wanted.keys():
            self._notices.pop(name).scope.cancel()
        for name, notice in wanted.items():
            self._give_notices(name, notice)

    def _give_notices(self, name: str, notice: float) -> None:
        scheduler = self._gateways.scheduler(name)
        running = self._notices.get(name)
        if running is not None and running.scheduler is scheduler:
            running.notices.change(notice)
            return
        if running is not None:
            self._notices.pop(name).scope.cancel()
        if scheduler is None or self._nursery is None or self._publish is None:
            return
        ask = scheduler.unplanned.ask_alone
        deps = ExpiryDeps(self._runtime.store, ask, self._publish, self._runtime.clock)
        notices, scope = ExpiryNotices(name, notice, deps), trio.CancelScope()
        self._notices[name] = _Notices(scheduler, notices, scope)
        self._nursery.start_soon(keep_running, notices.run, scope, "expiry_crashed", name)
