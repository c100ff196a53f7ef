"""The real parts in a simulated world: started, crashed, started again.

A crash cancels every task and drops every object; what is left is what the store committed.
It comes at random moments, and also right before and right after a commit, where it hurts most.
Between two lives the operator now and then backs the store up, or puts the last backup back.
"""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import NamedTuple

import trio

from notifier.archive import ExpiryDeps, ExpiryNotices
from notifier.delivery import (
    AttemptRunner,
    DeliveryRules,
    Dispatcher,
    EndpointFlow,
    EndpointNotices,
    Lane,
    LaneRules,
    Outbox,
    Subscription,
)
from notifier.delivery.attempt import Sender
from notifier.discovery import Bounds, Discovery, DiscoveryDeps, DiscoveryRules
from notifier.gateway import GatewayClient, GatewayRules
from notifier.metrics import Metrics
from notifier.model.delivery import Format
from notifier.model.event import Ending, EventKind, EventType
from notifier.model.event_id import watch_event_id
from notifier.model.follow_up import FollowUpPlan
from notifier.model.health import Health
from notifier.model.watch import Watch
from notifier.polling import (
    GatewayScheduler,
    Poller,
    PollerDeps,
    PollRules,
    SchedulerLimits,
    SnapshotWriter,
    Supervisor,
)
from notifier.polling.page_planner import Mode
from notifier.schedule.clock import Clock
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.store import Database, Store
from notifier.store.endpoints import disabled
from notifier.wakeup import Wakeup
from notifier.webhook import Target, WebhookSender
from tests.simulation.crashing_store import CrashedError, CrashingExecutor, Keeping, WitnessedStore
from tests.simulation.network import Network
from tests.simulation.receivers import ENDPOINTS
from tests.simulation.world import DAY, World

BUDGET = 2.0
GIVE_UP_AFTER = DAY / 2
EXPIRES, NOTICE = DAY / 2, DAY / 4
"""When videos expire after their end is known, and how long before that a notice comes."""

SCHEDULE = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
_MOVES = 0.05
_BACKS_UP, _RESTORES = 0.2, 0.1
_RELOAD_EVERY = 2 * DAY
_DELIVERY_RULES = {name: DeliveryRules(name, Format.STANDARD, SCHEDULE) for name in ENDPOINTS}
_DISCOVERY_RULES = DiscoveryRules("main", "url", 1800.0, Bounds(GIVE_UP_AFTER))
_KEY = b"simulated key, 32 bytes, no more"


class LaneParts(NamedTuple):
    """What delivers to one endpoint."""

    runner: AttemptRunner
    flow: EndpointFlow
    lane: Lane


@dataclass
class Simulation:
    """One seed's life. `store_of`, `sender_of` and `event_id` are where a test plants a bug."""

    world: World
    crash_every: float = DAY / 2
    budget: float = BUDGET
    wakes: bool = True
    store_of: Callable[[Store], Keeping] = lambda store: store
    subscriptions: Sequence[Subscription] = tuple(
        Subscription(name, Format.STANDARD, ("video.*", "endpoint.*")) for name in ENDPOINTS
    )
    sender_of: Callable[[WebhookSender], Sender] = lambda sender: sender
    event_id: Callable[[str, Watch, EventKind], str] = watch_event_id
    database: Database = field(default_factory=lambda: Database.in_memory("simulation"))
    crashes: int = 0

    async def run(self) -> None:
        """Live until every job is long over and every retry had its chance."""
        ids = count()
        end = (self.world.days + 5) * DAY
        while trio.current_time() < end:
            life = self.world.rng.expovariate(1 / self.crash_every)
            # the last life has no crashes of its own: what is promised must then be kept
            last = trio.current_time() > self.world.days * DAY
            left = end - trio.current_time()
            with trio.move_on_after(left if last else min(life, left)):
                await self._live(ids, 10**9 if last else 3000)
            self.crashes += 1
            self.world.life += 1
            if self.world.rng.random() < 0.3:
                self.world.jump()
            if trio.current_time() <= self.world.days * DAY:
                self._back_up_or_restore()

    def _back_up_or_restore(self) -> None:
        """Be the operator: copy the store now and then, and later put the copy back."""
        history, fate = self.world.history, self.world.rng.random()
        if fate < _BACKS_UP:
            history.back_up(self.database)
        elif history.backup is not None and fate < _BACKS_UP + _RESTORES:
            self.database.close()
            self.database = history.restore(history.backup)

    async def _live(self, ids: "count[int]", rarity: int) -> None:
        clock = Clock(self.world.wall, trio.current_time)
        self.world.began.append(trio.current_time())
        executor = CrashingExecutor(self.world, rarity)
        with contextlib.suppress(CrashedError):
            try:
                witnessed = WitnessedStore(self.database, executor, clock.now)
                witnessed.world = self.world
                store = self.store_of(witnessed)
                await self._work(store, clock, ids)
            except BaseExceptionGroup as group:
                _, others = group.split(CrashedError)
                if others is not None:
                    raise others from None

    async def _work(self, store: Keeping, clock: Clock, ids: "count[int]") -> None:
        self._operate()
        urls = {name: self.world.receivers.url(name) for name in ENDPOINTS}
        found = await store.recover(urls, 2 * DAY)
        dispatcher = Dispatcher()

        def new_id() -> str:
            return f"evt_{next(ids)}"

        notices = EndpointNotices(
            self.subscriptions, new_id=new_id, wall=clock.wall, wake=dispatcher.wake
        )
        lanes: dict[str, LaneParts] = {}
        for name in ENDPOINTS:
            health = found.reconciled.health.get(name, Health(urls[name]))
            lanes[name] = self._lane(name, store, notices, health, clock)
            dispatcher.add(name, lanes[name].lane)
        follow_ups = _Expiring(clock)
        outbox = Outbox(
            store,
            self.subscriptions,
            content_url=lambda gateway, video: f"https://{gateway}/{video}",
            follow_ups=follow_ups,
            event_id=partial(self.event_id, self.database.store_id),
            wall=clock.wall,
            lanes=dispatcher if self.wakes else Dispatcher(),
        )
        network = Network(self.world)
        scheduler = self._scheduler(clock, network)

        snapshots = SnapshotWriter(store)

        def poller(watch: Watch) -> Poller:
            return Poller(
                watch,
                scheduler,
                PollerDeps(
                    snapshots,
                    outbox,
                    rules=_rules,
                    now=clock.now,
                    rng=self.world.rng,
                    history=JobHistory(),
                ),
            )

        async with trio.open_nursery() as network.nursery:
            nursery = network.nursery
            nursery.start_soon(dispatcher.run)
            nursery.start_soon(scheduler.run)
            nursery.start_soon(snapshots.run)
            nursery.start_soon(self._reload, store, lanes, clock)
            ask, publish = scheduler.unplanned.ask_alone, outbox.publish_follow_up
            expiring = ExpiryDeps(store, ask, publish, clock)
            follow_ups.notices = ExpiryNotices("main", NOTICE, expiring)
            nursery.start_soon(follow_ups.notices.run)
            supervisor = Supervisor(
                nursery, poller, spread=lambda _: 20.0, rng=self.world.rng, settled=Wakeup()
            )
            turn = trio.Lock()
            if self.world.began[-1] >= self.world.discovers_from:
                deps = self._discovery_deps(store, scheduler, supervisor, turn, clock)
                discovery = Discovery(_DISCOVERY_RULES, deps)
                scheduler.unplanned.listen(discovery)
                nursery.start_soon(discovery.run)
            await self._list_jobs(store, supervisor, turn)

    def _discovery_deps(
        self,
        store: Keeping,
        scheduler: GatewayScheduler,
        supervisor: Supervisor,
        turn: trio.Lock,
        clock: Clock,
    ) -> DiscoveryDeps:
        def opened(watches: Sequence[Watch]) -> None:
            for watch in watches:
                supervisor.add(watch)

        unplanned, rng = scheduler.unplanned, self.world.rng
        return DiscoveryDeps(
            *(store, unplanned, opened, turn, clock.wall, clock.now, rng, Metrics(), Wakeup())
        )

    async def _reload(
        self,
        store: Keeping,
        lanes: Mapping[str, LaneParts],
        clock: Clock,
    ) -> None:
        """Be the operator while it runs: URLs change now and then, and the config is reloaded."""
        while True:
            await trio.sleep(self.world.rng.expovariate(1 / _RELOAD_EVERY))
            moved = self.world.rng.choice(ENDPOINTS)
            self.world.receivers.move(moved)
            urls = {name: self.world.receivers.url(name) for name in ENDPOINTS}
            # between the change and this, and while this waits, attempts at the old URL go on
            await trio.sleep(self.world.rng.uniform(0, 20))
            reconciled = await store.reconcile_endpoints(urls)
            runner, flow, lane = lanes[moved]
            health = reconciled.health.get(moved, Health(urls[moved]))
            runner.change(_DELIVERY_RULES[moved], self._sender(moved, clock), health)
            flow.change(LaneRules(moved, 4), new_url=True)
            lane.wake()

    def _operate(self) -> None:
        """Be the operator: between two lives, URLs change and what was disabled is mended."""
        receivers = self.world.receivers
        off = self.database.transact(disabled)
        for name in ENDPOINTS:
            if name in off or self.world.rng.random() < _MOVES:
                receivers.move(name)

    async def _list_jobs(self, store: Keeping, supervisor: Supervisor, turn: trio.Lock) -> None:
        """Be the sources of watches: read the files again whenever one has changed."""
        listings = self.world.listings
        starting = True
        while True:
            now = trio.current_time()
            async with turn:
                open_now = await store.sync_watches(listings.at(now), [])
                supervisor.apply(open_now, starting=starting)
            starting = False
            coming = (moment for moment in listings.changes() if moment > now)
            await trio.sleep_until(next(coming, math.inf))

    def _scheduler(self, clock: Clock, network: Network) -> GatewayScheduler:
        rewrites = self.world.gateway.dialect == "litellm"
        rules = GatewayRules("http://gateway/v1", dict, 30.0, {}, rewrites_ids=rewrites)
        client = GatewayClient(rules, network, clock.wall)
        mode: Mode = self.world.rng.choice(("auto", "always", "never"))
        asking = SchedulerLimits(self.budget, in_flight=32, poll_interval=20, list_videos=mode)
        return GatewayScheduler("main", client, asking, now=clock.now, rng=self.world.rng)

    def _lane(
        self, name: str, store: Keeping, notices: EndpointNotices, health: Health, clock: Clock
    ) -> LaneParts:
        rng = self.world.rng
        runner = AttemptRunner(
            _DELIVERY_RULES[name],
            self._sender(name, clock),
            store,
            notices,
            health=health,
            clock=clock,
            rng=rng,
        )
        flow = EndpointFlow(LaneRules(name, 4), runner, store, clock=clock, rng=rng)
        return LaneParts(runner, flow, Lane(name, flow, runner, Wakeup()))

    def _sender(self, name: str, clock: Clock) -> Sender:
        target = Target(self.world.receivers.url(name), {}, [_KEY], 15.0)
        return self.sender_of(WebhookSender(self.world, partial(_same, target), clock.wall))


@dataclass
class _Expiring:
    """Lets every video that completes expire after EXPIRES."""

    clock: Clock
    notices: ExpiryNotices | None = None

    def plan(self, ending: Ending) -> FollowUpPlan:
        completed = ending.type is EventType.COMPLETED
        return FollowUpPlan(self.clock.now() + EXPIRES if completed else None)

    def wake(self, _: str) -> None:
        if self.notices is not None:
            self.notices.wake()


def _same(target: Target) -> Target:
    return target


def _rules(_: str) -> PollRules:
    return PollRules(PollIntervals(20.0, 5.0), 120.0, GIVE_UP_AFTER)
