"""The daemon's life: recover, watch and deliver, stop asking, drain, close.

Two nurseries make the shutdown two-phased. The inner one watches and is cancelled first: a
poll that is cut off is asked again next time. The outer one delivers and gets ten seconds to
finish what is in flight; what it cannot finish is still in the store and is sent at the next
start.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random

import trio

from notifier import __version__, log
from notifier.app import wiring
from notifier.app.doors import Door, open_doors, serve_doors
from notifier.app.endpoints import Endpoints
from notifier.app.gateways import Gateways
from notifier.app.housekeeping import keep_house
from notifier.app.operations import DaemonOperations
from notifier.app.peers import Connections
from notifier.app.reloading import Reloader, report_fitted
from notifier.app.timekeeping import keep_time
from notifier.bell import Bell
from notifier.config import Config
from notifier.delivery import Outbox
from notifier.delivery.verdict import LONGEST_RETRY_AFTER
from notifier.errors import StoreError
from notifier.model.health import Health
from notifier.model.watch import Watch
from notifier.schedule.backoff import SPREAD
from notifier.schedule.clock import Clock
from notifier.store import Database, Store, ThreadExecutor
from notifier.store.executor import Executor
from notifier.watching import Poller, Sources, Supervisor

DRAIN_SECONDS = 10.0
"""How long deliveries in flight are waited for at shutdown."""

_LOOK_AGAIN = 60.0
_STORE_PAUSE = 5.0
# one that goes on while the machine sleeps: work that came due meanwhile is done when it wakes
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Options:
    """How this run differs from running for ever."""

    exit_when_done: bool = False
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class Orders:
    """Where orders come from while it runs: the control API's doors, and a bell for reloads."""

    doors: Sequence[Door] = ()
    reload: Bell | None = None


@dataclass(frozen=True, slots=True)
class Seams:
    """Where a test can put its own time, randomness, ids and threads."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = lambda: time.clock_gettime(_STEADY)
    rng: Random = field(default_factory=Random)
    new_id: Callable[[], str] = lambda: f"evt_{secrets.token_hex(16)}"
    executor: Callable[[], Executor] = ThreadExecutor


async def run_daemon(
    config: Config,
    *,
    stop: trio.Event,
    reload: Bell | None = None,
    options: Options = Options(),
    seams: Seams | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> int:
    """Watch and deliver until `stop` is set; return the process's exit code.

    Reads the config again when `reload` rings. With `options.exit_when_done` it ends by itself
    once nothing is left to do: with 0, or with 1 when something ended undelivered. Raises
    StoreRefusedError when the state may not be used, StoreError when it cannot be read at the
    start.
    """
    seams = seams or Seams()
    clock = Clock(seams.wall, seams.steady)
    open_database = partial(Database.open, config.store_path, config.path, adopt=options.adopt)
    database = await trio.to_thread.run_sync(open_database)
    store = Store(database, seams.executor(), clock.now)
    try:
        async with trio.open_nursery() as resources:
            daemon = await _assemble(config, store, clock, seams, Connections(resources))
            with open_doors(config.http) as doors:
                code = await daemon.run(stop, Orders(doors, reload), options, task_status)
            resources.cancel_scope.cancel()
        return code
    finally:
        with trio.CancelScope(shield=True):
            await _close(store)


async def _close(store: Store) -> None:
    try:
        await store.release_interrupted()
    except StoreError as error:
        # nothing is lost: the next start finds them in flight and does the same
        log.get().error("not_released", reason=str(error))
    await store.close()


@dataclass(slots=True)
class _Daemon:
    """Everything that runs, put together."""

    config: Config
    store: Store
    clock: Clock
    seams: Seams
    gateways: Gateways
    endpoints: Endpoints
    outbox: Outbox
    settled: Bell
    began: float

    async def run(
        self,
        stop: trio.Event,
        orders: Orders,
        options: Options,
        task_status: trio.TaskStatus[None],
    ) -> int:
        """Run both phases; return the exit code."""
        sources = Sources(self.config, self.store)
        watches: list[Watch] = []
        await sources.update(watches.extend)
        dispatcher = self.endpoints.dispatcher
        code = 0
        async with trio.open_nursery() as delivering:
            await delivering.start(dispatcher.run)
            async with trio.open_nursery() as watching:
                supervisor = self._supervisor(watching)
                supervisor.apply(watches, starting=True)
                reloader = self._reloader(sources, supervisor)
                watching.start_soon(sources.run, supervisor.apply)
                watching.start_soon(reloader.run, orders.reload or Bell())
                operations = self._operations(sources, supervisor, reloader)
                await watching.start(serve_doors, orders.doors, operations)
                watching.start_soon(self._keep_house, reloader)
                watching.start_soon(keep_time, self.store, self.clock)
                self._log_start(len(watches))
                task_status.started()
                if options.exit_when_done:
                    watching.start_soon(_ring_when, stop, self.settled)
                    code = await self._until_done(supervisor, stop)
                else:
                    await stop.wait()
                log.get().info("stopping", drain_seconds=DRAIN_SECONDS)
                watching.cancel_scope.cancel()
            dispatcher.stop()
            delivering.cancel_scope.deadline = trio.current_time() + DRAIN_SECONDS
        log.get().info("stopped")
        return code

    def _operations(
        self, sources: Sources, supervisor: Supervisor, reloader: Reloader
    ) -> DaemonOperations:
        return DaemonOperations(
            self.store,
            self.clock,
            self.gateways,
            self.endpoints,
            sources,
            supervisor,
            reloader,
            self.began,
        )

    async def _keep_house(self, reloader: Reloader) -> None:
        await keep_house(self.store, lambda: reloader.config.retention, self.clock.now)

    def _supervisor(self, nursery: trio.Nursery) -> Supervisor:
        return Supervisor(
            nursery,
            self._poller,
            spread=self.gateways.spread,
            rng=self.seams.rng,
            settled=self.settled,
        )

    def _reloader(self, sources: Sources, supervisor: Supervisor) -> Reloader:
        return Reloader(
            self.config, self.gateways, self.endpoints, self.store, sources, supervisor
        )

    def _poller(self, watch: Watch) -> Poller | None:
        desk = self.gateways.desk(watch.key.gateway)
        if desk is None:
            return None
        return Poller(
            watch,
            desk,
            self.store,
            self.outbox,
            rules=self.gateways.rules,
            now=self.clock.now,
            rng=self.seams.rng,
        )

    def _log_start(self, watches: int) -> None:
        log.get().info(
            "started",
            version=__version__,
            config=str(self.config.path),
            store=str(self.config.store_path),
            watches=watches,
            gateways=sorted(self.config.gateways),
            endpoints=sorted(self.config.endpoints),
        )

    async def _until_done(self, supervisor: Supervisor, stop: trio.Event) -> int:
        """Wait until nothing is left to do, or for `stop`; return the exit code."""
        while not stop.is_set():
            try:
                left = await self.store.outstanding(self.began)
            except StoreError as error:
                log.get().error("waits_for_store", reason=str(error))
                await trio.sleep(_STORE_PAUSE)
                continue
            counts = left.deliveries
            if left.open_watches <= supervisor.orphans and not counts.pending:
                undelivered = counts.dead + counts.cancelled + counts.held
                return 1 if undelivered or supervisor.orphans else 0
            await self.settled.wait(_LOOK_AGAIN)
        return 0


async def _ring_when(event: trio.Event, bell: Bell) -> None:
    await event.wait()
    bell.ring()


async def _assemble(
    config: Config, store: Store, clock: Clock, seams: Seams, connections: Connections
) -> _Daemon:
    """Recover what an earlier process left, and build every part on top of it."""
    began = clock.now()
    health = await _recover(config, store)
    settled = Bell()
    gateways = Gateways(connections, clock, seams.rng)
    gateways.commit(await gateways.draft(config.gateways))
    endpoints = Endpoints(
        connections, store, clock, seams.rng, new_id=seams.new_id, settled=settled
    )
    endpoints.commit(await endpoints.draft(config), health)
    outbox = Outbox(
        store,
        endpoints.subscriptions,
        content_url=gateways.content_url,
        new_id=seams.new_id,
        wall=clock.wall,
        wake=endpoints.dispatcher.wake,
    )
    return _Daemon(config, store, clock, seams, gateways, endpoints, outbox, settled, began)


async def _recover(config: Config, store: Store) -> Mapping[str, Health]:
    """Put the store in order, say what was found, and return how endpoints have been doing."""
    endpoints = config.endpoints.values()
    marks = {endpoint.name: wiring.url_mark(endpoint) for endpoint in endpoints}
    schedules = [max(endpoint.retry_schedule) for endpoint in endpoints]
    longest = max([*schedules, LONGEST_RETRY_AFTER]) * (1 + SPREAD)
    found = await store.recover(marks, longest)
    logger = log.get()
    if found.clock_set_back:
        logger.warning("clock_set_back", seconds=round(found.clock_set_back))
    if found.interrupted:
        logger.warning("recovered", interrupted_attempts=found.interrupted)
    report_fitted(found.fitted)
    for name, reason in found.disabled.items():
        logger.error(
            "endpoint_disabled",
            endpoint=name,
            reason=reason,
            hint=f"deliveries are held; notifier endpoints enable {name}",
        )
    return found.fitted.health
