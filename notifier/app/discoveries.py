"""Discovery on every gateway that is configured for it, as the config has it now."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import trio

from notifier.app import wiring
from notifier.app.gateways import Gateways
from notifier.app.restarting import keep_running
from notifier.app.runtime import Runtime
from notifier.app.watch_following import WatchFollower
from notifier.config import GatewaySettings
from notifier.discovery import Discovery, DiscoveryDeps
from notifier.model.views import Row
from notifier.model.watch import Watch
from notifier.polling import GatewayScheduler, Sources


class _Running(NamedTuple):
    base_url: str
    scheduler: GatewayScheduler
    discovery: Discovery
    scope: trio.CancelScope


class Discoveries:
    """Runs one `Discovery` for each gateway with `discover`."""

    def __init__(
        self, runtime: Runtime, gateways: Gateways, sources: Sources, changes: WatchFollower
    ) -> None:
        self._runtime = runtime
        self._gateways = gateways
        self._sources = sources
        self._changes = changes
        self._wanted: Mapping[str, GatewaySettings] = {}
        self._only: Collection[str] | None = None
        self._running: dict[str, _Running] = {}
        self._nursery: trio.Nursery | None = None

    async def run(
        self,
        wanted: Mapping[str, GatewaySettings],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Discover jobs of the gateways in `wanted`, and of those of later changes, for ever."""
        async with trio.open_nursery() as self._nursery:
            self.change(wanted)
            task_status.started()
            await trio.sleep_forever()

    def change(self, wanted: Mapping[str, GatewaySettings]) -> None:
        """Discover jobs of the gateways that `wanted` has `discover` for from now on."""
        self._wanted = wanted
        chosen = {
            name: settings
            for name, settings in wanted.items()
            if settings.discover and (self._only is None or name in self._only)
        }
        for name in self._running.keys() - chosen.keys():
            self._stop(name)
        for name, settings in chosen.items():
            self._apply(name, settings)

    def restrict(self, gateways: Collection[str]) -> None:
        """Discover jobs of these gateways alone: other instances do it for the others."""
        self._only = gateways
        self.change(self._wanted)

    def _apply(self, name: str, settings: GatewaySettings) -> None:
        rules, scheduler = wiring.discovery_rules(settings), self._gateways.scheduler(name)
        running = self._running.get(name)
        if running is not None:
            if (running.base_url, running.scheduler) == (rules.base_url, scheduler):
                running.discovery.change(rules)
                return
            self._stop(name)
        if scheduler is None or self._nursery is None:
            return
        discovery = Discovery(rules, self._deps(scheduler))
        scheduler.unplanned.listen(discovery)
        scope = trio.CancelScope()
        self._running[name] = _Running(rules.base_url, scheduler, discovery, scope)
        self._nursery.start_soon(keep_running, discovery.run, scope, "discovery_crashed", name)

    def _stop(self, name: str) -> None:
        running = self._running.pop(name)
        running.scheduler.unplanned.listen(None)
        running.scope.cancel()

    def _deps(self, scheduler: GatewayScheduler) -> DiscoveryDeps:
        runtime = self._runtime
        return DiscoveryDeps(
            runtime.store,
            scheduler.unplanned,
            self._poll,
            self._sources.turn,
            runtime.clock.wall,
            runtime.clock.now,
            runtime.seams.rng,
            runtime.metrics,
            runtime.settled,
        )

    def _poll(self, opened: Sequence[Watch]) -> None:
        for watch in opened:
            self._changes.add(watch)

    @property
    def have_settled(self) -> bool:
        """Whether every list was read for the first time, as far as there is one."""
        return all(running.discovery.has_settled for running in self._running.values())

    def row(self, name: str) -> Row | None:
        """Return how discovery on a gateway is doing, None when it is off."""
        running = self._running.get(name)
        return None if running is None else running.discovery.condition().as_row()

    def reading(self) -> dict[str, bool]:
        """Return whether the list of each gateway with `discover` can be read."""
        return {
            name: running.discovery.condition().is_well for name, running in self._running.items()
        }
