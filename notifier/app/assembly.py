"""Builds the daemon's parts, on top of what an earlier process left in the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from notifier import log
from notifier.app import wiring
from notifier.app.endpoints import Endpoints, report_reconciled
from notifier.app.follow_ups import FollowUps
from notifier.app.gateways import Gateways
from notifier.app.runtime import Runtime
from notifier.app.shared_history import SharedHistory
from notifier.config import Config
from notifier.delivery import Outbox
from notifier.delivery.response_policy import longest_wait
from notifier.model.event_id import watch_event_id
from notifier.model.health import Health
from notifier.model.steady_base import SteadyBase
from notifier.model.watch import Watch
from notifier.polling import Poller, PollerDeps, SnapshotWriter
from notifier.schedule.job_history import JobHistory
from notifier.store import Store
from notifier.store.shared_store import SharedStore


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that works together; `began` is when it was assembled (`Clock.now`)."""

    runtime: Runtime
    gateways: Gateways
    endpoints: Endpoints
    outbox: Outbox
    follow_ups: FollowUps
    readings: SnapshotWriter
    deps: PollerDeps
    began: float

    @property
    def store(self) -> Store:
        """The one store of this run."""
        return self.runtime.store

    def poller(self, watch: Watch) -> Poller | None:
        """Build the poller of a watch; None when its gateway is not configured."""
        scheduler = self.gateways.scheduler(watch.key.gateway)
        if scheduler is None:
            return None
        return Poller(watch, scheduler, self.deps)


async def assemble(config: Config, runtime: Runtime) -> Parts:
    """Recover what an earlier process left, and build every part on top of it.

    Raises StoreError, and TransportError when a connection cannot be made ready.
    """
    store, clock, metrics = runtime.store, runtime.clock, runtime.metrics
    began = clock.now()
    health = await _recover(config, runtime)
    metrics.configured(config.gateways, wiring.lanes(config))
    metrics.config_loaded(clock.wall())
    gateways = Gateways(runtime)
    gateways.commit(await gateways.draft(config.gateways))
    endpoints = Endpoints(runtime)
    endpoints.commit(await endpoints.draft(config), health)
    follow_ups = FollowUps(runtime, gateways)
    follow_ups.change(config, await follow_ups.archives.draft(config))
    outbox = Outbox(
        store,
        endpoints.subscriptions,
        content_url=gateways.content_url,
        follow_ups=follow_ups,
        event_id=partial(watch_event_id, runtime.store.id),
        wall=clock.wall,
        lanes=endpoints.dispatcher,
    )
    history = await _history(store)
    readings = SnapshotWriter(store)
    deps = PollerDeps(readings, outbox, gateways.rules, clock.now, runtime.seams.rng, history)
    return Parts(runtime, gateways, endpoints, outbox, follow_ups, readings, deps, began)


async def _history(store: Store) -> JobHistory:
    if isinstance(store, SharedStore):
        return SharedHistory(*await store.samples_after(0))
    return JobHistory(await store.samples())


async def _recover(config: Config, runtime: Runtime) -> Mapping[str, Health]:
    """Put the store in order, log what was found, and return the health of the endpoints."""
    longest = longest_wait(each.retry_schedule for each in config.endpoints.values())
    base = SteadyBase(runtime.seams.boot(), runtime.clock.offset)
    found = await runtime.store.recover(wiring.url_marks(config), longest, base)
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
