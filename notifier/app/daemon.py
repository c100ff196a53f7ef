"""The daemon's life: recover, watch and deliver, stop asking, drain, close.

Two nurseries make the shutdown two-phased. The inner one watches and is cancelled first: a
poll that is cut off is asked again next time. The outer one delivers and gets ten seconds to
finish what is in flight; what it cannot finish is still in the store and is sent at the next
start.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from random import Random

import trio

from notifier import __version__, log
from notifier.app import wiring
from notifier.app.housekeeping import keep_house
from notifier.app.timekeeping import keep_time
from notifier.bell import Bell
from notifier.config import Config
from notifier.delivery import Announcer, Dispatcher, Lane, Ledger, Outbox
from notifier.delivery.verdict import LONGEST_RETRY_AFTER
from notifier.errors import StoreError
from notifier.gateway.client import content_url
from notifier.metrics import Metrics
from notifier.model.health import Health
from notifier.model.watch import Watch
from notifier.schedule.backoff import SPREAD
from notifier.schedule.clock import Clock
from notifier.store import Database, Store, ThreadExecutor
from notifier.store.executor import Executor
from notifier.watching import Desk, Poller, Sources, Supervisor

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
    options: Options = Options(),
    seams: Seams | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> int:
    """Watch and deliver until `stop` is set; return the process's exit code.

    With `options.exit_when_done` it ends by itself once nothing is left to do: with 0, or with 1
    when something ended undelivered. Raises StoreRefusedError when the state may not be used,
    StoreError when it cannot be read at the start.
    """
    seams = seams or Seams()
    clock = Clock(seams.wall, seams.steady)
    open_database = partial(Database.open, config.store_path, config.path, adopt=options.adopt)
    database = await trio.to_thread.run_sync(open_database)
    metrics = Metrics()
    store = Store(database, seams.executor(), clock.now, metrics)
    try:
        async with AsyncExitStack() as connections:
            daemon = await _assemble(config, store, clock, seams, connections, metrics)
            return await daemon.run(stop, options, task_status)
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
    desks: dict[str, Desk]
    dispatcher: Dispatcher
    outbox: Outbox
    settled: Bell
    began: float

    async def run(
        self, stop: trio.Event, options: Options, task_status: trio.TaskStatus[None]
    ) -> int:
        """Run both phases; return the exit code."""
        sources = Sources(self.config, self.store)
        watches = await sources.read() or []
        code = 0
        async with trio.open_nursery() as delivering:
            await delivering.start(self.dispatcher.run)
            async with trio.open_nursery() as watching:
                supervisor = self._supervisor(watching)
                supervisor.apply(watches, starting=True)
                watching.start_soon(sources.run, supervisor.apply)
                watching.start_soon(keep_house, self.store, self.config.retention, self.clock.now)
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
            self.dispatcher.stop()
            delivering.cancel_scope.deadline = trio.current_time() + DRAIN_SECONDS
        log.get().info("stopped")
        return code

    def _supervisor(self, nursery: trio.Nursery) -> Supervisor:
        return Supervisor(
            nursery,
            self._poller,
            spread=lambda watch: self.config.gateways[watch.key.gateway].poll_interval,
            rng=self.seams.rng,
            settled=self.settled,
        )

    def _poller(self, watch: Watch) -> Poller | None:
        settings = self.config.gateways.get(watch.key.gateway)
        if settings is None:
            return None
        return Poller(
            watch,
            self.desks[settings.name],
            self.store,
            self.outbox,
            rules=partial(wiring.watch_rules, settings),
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
    config: Config,
    store: Store,
    clock: Clock,
    seams: Seams,
    connections: AsyncExitStack,
    metrics: Metrics,
) -> _Daemon:
    """Recover what an earlier process left, and build every part on top of it."""
    began = clock.now()
    metrics.configured(config.gateways, config.endpoints)
    metrics.config_loaded(clock.wall())
    health = await _recover(config, store)
    settled = Bell()
    desks = {}
    for gateway in config.gateways.values():
        exchange = await connections.enter_async_context(
            wiring.gateway_exchange(gateway, wiring.GATEWAY_IN_FLIGHT)
        )
        client = wiring.gateway_client(gateway, exchange, clock.wall)
        desks[gateway.name] = wiring.desk(gateway, client, clock, seams.rng, metrics)
    dispatcher, ledger = Dispatcher(), Ledger(store, clock.now, metrics)
    subscriptions = wiring.subscriptions(config)
    announcer = Announcer(
        subscriptions, new_id=seams.new_id, wall=clock.wall, wake=dispatcher.wake
    )
    for endpoint in config.endpoints.values():
        exchange = await connections.enter_async_context(
            wiring.endpoint_exchange(endpoint, config.outbound, endpoint.max_concurrency)
        )
        deliverer = wiring.deliverer(
            endpoint,
            wiring.sender(endpoint, exchange, clock.wall),
            ledger,
            announcer,
            health=health.get(endpoint.name),
            clock=clock,
            rng=seams.rng,
        )
        rules = wiring.lane_rules(endpoint)
        lane = Lane(
            rules,
            deliverer,
            store,
            clock=clock,
            rng=seams.rng,
            settled=settled,
            metrics=metrics,
        )
        dispatcher.add(endpoint.name, lane)
    outbox = Outbox(
        store,
        subscriptions,
        content_url=lambda gateway, video: content_url(config.gateways[gateway].base_url, video),
        new_id=seams.new_id,
        wall=clock.wall,
        wake=dispatcher.wake,
    )
    return _Daemon(config, store, clock, seams, desks, dispatcher, outbox, settled, began)


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
    for name in found.removed_endpoints:
        logger.warning("deliveries_cancelled", endpoint=name, reason="removed from the config")
    for name in found.enabled_endpoints:
        logger.warning("endpoint_enabled", endpoint=name, reason="its URL was changed")
    for name, reason in found.disabled_endpoints.items():
        logger.error(
            "endpoint_disabled",
            endpoint=name,
            reason=reason,
            hint=f"deliveries are held; notifier endpoints enable {name}",
        )
    return found.health
