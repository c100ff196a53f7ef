"""Building the daemon's parts, on top of what an earlier process left."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from notifier import log
from notifier.app import wiring
from notifier.app.connections import Connections
from notifier.app.endpoints import Endpoints
from notifier.app.gateways import Gateways
from notifier.app.reloading import report_reconciled
from notifier.config import Config
from notifier.delivery import Outbox
from notifier.delivery.response_policy import LONGEST_RETRY_AFTER
from notifier.metrics import Metrics
from notifier.model.health import Health
from notifier.model.watch import Watch
from notifier.polling import Poller, PollerDeps, SnapshotWriter
from notifier.schedule.backoff import SPREAD
from notifier.schedule.clock import Clock
from notifier.schedule.job_history import JobHistory
from notifier.store import Store, ThreadExecutor
from notifier.store.executor import Executor
from notifier.wakeup import Wakeup

# one that goes on while the machine sleeps: work that came due meanwhile is done when it wakes
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Seams:
    """Where a test can put its own time, randomness, ids and threads."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = lambda: time.clock_gettime(_STEADY)
    rng: Random = field(default_factory=Random)
    new_id: Callable[[], str] = lambda: f"evt_{secrets.token_hex(16)}"
    executor: Callable[[], Executor] = ThreadExecutor


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that works together; `began` is when it was put together (`Clock.now`)."""

    store: Store
    clock: Clock
    seams: Seams
    metrics: Metrics
    gateways: Gateways
    endpoints: Endpoints
    outbox: Outbox
    readings: SnapshotWriter
    deps: PollerDeps
    settled: Wakeup
    began: float

    def poller(self, watch: Watch) -> Poller | None:
        """Build the poller of a watch; None when its gateway is not configured."""
        scheduler = self.gateways.scheduler(watch.key.gateway)
        if scheduler is None:
            return None
        return Poller(watch, scheduler, self.deps)


async def assemble(
    config: Config,
    store: Store,
    clock: Clock,
    seams: Seams,
    connections: Connections,
    metrics: Metrics,
) -> Parts:
    """Recover what an earlier process left, and build every part on top of it."""
    began = clock.now()
    health = await _recover(config, store)
    settled = Wakeup()
    metrics.configured(config.gateways, wiring.lanes(config))
    metrics.config_loaded(clock.wall())
    gateways = Gateways(connections, clock, seams.rng, metrics)
    gateways.commit(await gateways.draft(config.gateways))
    endpoints = Endpoints(
        connections, store, clock, seams.rng, new_id=seams.new_id, settled=settled, metrics=metrics
    )
    endpoints.commit(await endpoints.draft(config), health)
    outbox = Outbox(
        store,
        endpoints.subscriptions,
        content_url=gateways.content_url,
        new_id=seams.new_id,
        wall=clock.wall,
        wake=endpoints.wake,
    )
    book = JobHistory(await store.samples())
    readings = SnapshotWriter(store)
    deps = PollerDeps(readings, outbox, gateways.rules, clock.now, seams.rng, book)
    return Parts(
        *(store, clock, seams, metrics, gateways, endpoints, outbox),
        *(readings, deps, settled, began),
    )


async def _recover(config: Config, store: Store) -> Mapping[str, Health]:
    """Put the store in order, say what was found, and return how endpoints have been doing."""
    endpoints = wiring.lanes(config).values()
    schedules = [max(endpoint.retry_schedule) for endpoint in endpoints]
    longest = max([*schedules, LONGEST_RETRY_AFTER]) * (1 + SPREAD)
    found = await store.recover(wiring.url_marks(config), longest)
    logger = log.get()
    if found.clock_set_back:
        logger.warning("clock_set_back", seconds=round(found.clock_set_back))
    if found.interrupted:
        logger.warning("recovered", interrupted_attempts=found.interrupted)
    report_reconciled(found.reconciled)
    for name, reason in found.disabled.items():
        logger.error(
            "endpoint_disabled",
            endpoint=name,
            reason=reason,
            hint=f"deliveries are held; notifier endpoints enable {name}",
        )
    return found.reconciled.health
