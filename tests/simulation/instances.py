"""Several instances on one database, with the real parts: killed, stopped, cut off, and started.

A stopped instance has its calls of store and network blocked, which go on later; a call that had
not begun when it was stopped asks for the trust again, as the process itself would. The database
is on the world's clock; each instance's own clock is off and runs a little fast or slow.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import trio

from notifier.app.shared_work import SharedWork
from notifier.app.trusted_sender import TrustedSender
from notifier.cluster.deps import MemberStore, Surroundings, Wanted
from notifier.cluster.member import Member
from notifier.cluster.membership import Membership
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
from notifier.errors import TransportError
from notifier.gateway import GatewayClient, GatewayRules
from notifier.http_client import HttpRequest, HttpResponse
from notifier.metrics import Metrics
from notifier.model.delivery import Claim, Format
from notifier.model.event_id import watch_event_id
from notifier.model.health import Health
from notifier.model.instance import ClusterState, Instance
from notifier.model.lease import Fence, Lease, LeaseKind, lane_lease
from notifier.model.watch import Listing, Watch, WatchKey, WatchSpec
from notifier.polling import (
    GatewayScheduler,
    Poller,
    PollerDeps,
    PollRules,
    SchedulerLimits,
    SnapshotWriter,
    Supervisor,
)
from notifier.schedule.clock import Clock
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.store.fenced_lane import FencedLane
from notifier.store.schema import VERSION
from notifier.wakeup import Wakeup
from notifier.webhook import Target, WebhookSender
from tests.builders import START, NothingFollows
from tests.cluster.cluster import Link
from tests.simulation.network import Network

LEASE = 15.0
BUDGET = 0.4
"""So little that requests always wait for it, in requests a second."""

ENDPOINTS = ("app", "ops")
_SUBSCRIPTIONS = tuple(Subscription(name, Format.STANDARD, ("video.*",)) for name in ENDPOINTS)
_KEY = b"simulated key, 32 bytes, no more"


if TYPE_CHECKING:
    from tests.simulation.cluster_life import Life


class SimulatedInstance:
    """One process with the daemon's real parts."""

    def __init__(self, life: "Life", name: str, number: int) -> None:
        self.life = life
        self.name = name
        self.link = Link(life.delay)
        self.scope = trio.CancelScope()
        self.rng = life.rng
        off, pace = self.rng.uniform(-1e6, 1e6), self.rng.uniform(0.999, 1.001)
        self.clock = lambda: trio.current_time() * pace + off
        self.steady = Clock(life.now, trio.current_time)
        self.store = life.make_store(
            *(life.database, self.link, life.now),
            name=name,
            database_time=lambda _: life.now(),
        )
        self.identity = Instance("", name, "machine", "boot", number, "1.0", VERSION)
        self.dispatcher = Dispatcher()
        self.may_work: Callable[[], bool] = self._trusts
        self.network = Network(self)
        self.scheduler = self._scheduler()
        self.health: dict[str, Health] = {}
        self.lanes: set[str] = set()
        self.listed: list[str] = []
        self.rate = 0.0
        self.is_beating = False
        self.pollers: Supervisor
        self.member: Member

    def _owns(self, fence: Fence | None) -> bool:
        return self.member.leaseholder.owns(fence)

    def _asks_trust(self) -> bool:
        return self.may_work()

    def _trusts(self) -> bool:
        return self.member.trust.holds()

    async def run(self) -> None:
        with self.scope:
            async with trio.open_nursery() as self.network.nursery:
                await self._work(self.network.nursery)

    async def _work(self, nursery: trio.Nursery) -> None:
        snapshots = SnapshotWriter(self.store)
        outbox = Outbox(
            self.store,
            _SUBSCRIPTIONS,
            content_url=lambda gateway, video: f"https://{gateway}/{video}",
            follow_ups=NothingFollows(),
            event_id=partial(watch_event_id, "simulation"),
            wall=self.life.now,
            lanes=self.dispatcher,
        )
        deps = PollerDeps(snapshots, outbox, _rules, self.life.now, self.rng, JobHistory())

        def poller(watch: Watch) -> Poller:
            return Poller(watch, self.scheduler, deps)

        self.pollers = Supervisor(
            nursery, poller, spread=lambda _: 5.0, rng=self.rng, settled=Wakeup()
        )
        work = SharedWork(
            *(self.store, self.pollers, snapshots, self, self, self),
            owns=self._owns,
        )
        around = Surroundings(
            clock=self.clock,
            new_id=lambda: f"{self.name}-{next(self.life.ids)}",
            is_dead=lambda _: False,
            rng=self.rng,
        )
        wanted = Wanted({"main": BUDGET}, ENDPOINTS)
        store = cast("MemberStore", MemberWitness(self))
        self.membership = Membership(store, self.identity, LEASE, around)
        self.member = Member(store, work, wanted, self.membership, Metrics())
        await self._join()
        nursery.start_soon(self.dispatcher.run)
        nursery.start_soon(self.scheduler.run)
        nursery.start_soon(snapshots.run)
        nursery.start_soon(self._list)
        nursery.start_soon(self._look)
        await self.member.run()

    async def _join(self) -> None:
        """Start as often as it takes, as systemd does."""
        while True:
            with suppress(Exception):
                await self.membership.join(lambda: ["main"])
                found = await self.store.recover(dict.fromkeys(ENDPOINTS, "mark"), 0)
                self.health = dict(found.reconciled.health)
                return
            await trio.sleep(1)

    async def _list(self) -> None:
        """Be the sources of this instance's watches."""
        while True:
            mine = sorted(
                video
                for video, (at, _) in self.life.jobs.items()
                if self.life.files[video] == self.name and at <= trio.current_time()
            )
            if mine != self.listed:
                specs = tuple(WatchSpec(WatchKey("main", video)) for video in mine)
                self.life.next_shard()
                with suppress(Exception):
                    known = await self.store.known_sources()
                    files = [Listing("config", specs)]
                    await self.store.sync_watches(files, known - {"config"})
                    self.listed = mine
                    self.member.hint()
            await trio.sleep(5)

    def forget(self) -> None:
        self.listed = []

    async def _look(self) -> None:
        """Look at what is due although no hint crosses from the other instances."""
        while True:
            await trio.sleep(2)
            await self.link.pass_through()
            self.life.still_works(self)
            self.dispatcher.wake(list(self.lanes))

    async def start(self, leases: Sequence[Lease]) -> None:
        for lease in leases:
            if lease.kind is LeaseKind.LANE and lease.fence is not None:
                self._start_lane(lease, lease.fence)

    def _start_lane(self, lease: Lease, fence: Fence) -> None:
        store = WitnessedLane(self, fence)
        runner = self._runner(lease.subject)
        rules = LaneRules(lease.subject, 4)
        flow = EndpointFlow(rules, runner, store, clock=self.steady, rng=self.rng)
        self.dispatcher.add(lease.subject, Lane(lease.subject, flow, runner, Wakeup()))
        self.lanes.add(lease.subject)

    async def stop(self, leases: Sequence[Lease]) -> None:
        with trio.move_on_after(10):
            async with trio.open_nursery() as nursery:
                for lease in leases:
                    if lease.subject in self.lanes and lease.kind is LeaseKind.LANE:
                        self.lanes.remove(lease.subject)
                        nursery.start_soon(self.dispatcher.retire, lease.subject)

    def drop(self) -> None:
        for name in self.lanes:
            self.dispatcher.remove(name)
        self.lanes.clear()

    def grant(self, gateway: str, rate: float) -> None:
        self.scheduler.grant(rate)
        self.rate = rate
        self.life.rates_changed()

    def rest_until(self, gateway: str) -> float:
        return self.scheduler.rest.until

    def rest(self, gateway: str, until: float) -> None:
        self.scheduler.rest.follow(until)

    def fastest(self, gateway: str) -> float:
        return 0.2

    def _runner(self, name: str) -> AttemptRunner:
        target = Target(f"http://{name}/", {}, [_KEY], 15.0)
        sender = WebhookSender(self, lambda: target, self.life.now)
        notices = EndpointNotices(
            _SUBSCRIPTIONS,
            new_id=lambda: f"evt_{next(self.life.ids)}",
            wall=self.life.now,
            wake=self.dispatcher.wake,
        )
        return AttemptRunner(
            DeliveryRules(name, Format.STANDARD, (5.0, *10 * (20.0,))),
            TrustedSender(sender, self._asks_trust),
            self.store,
            notices,
            health=self.health.get(name, Health("mark")),
            clock=self.steady,
            rng=self.rng,
        )

    def _scheduler(self) -> GatewayScheduler:
        rules = GatewayRules("http://gateway/v1", dict, 30.0, {}, rewrites_ids=False)
        client = GatewayClient(rules, self.network, self.life.now)
        limits = SchedulerLimits(BUDGET, in_flight=32, poll_interval=20)
        return GatewayScheduler(
            "main", client, limits, now=self.life.now, rng=self.rng, allowed=self._asks_trust
        )

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Be the network, and note who asks and posts."""
        await self.link.pass_through()
        if not self.may_work():
            raise TransportError("connect", "it was stopped before this call")
        parts = urlsplit(request.url)
        if parts.hostname == "gateway":
            video = unquote(parts.path.rpartition("/")[2])
            self.life.work(self, self.life.shard_lease(video), f"polls {video}")
            self.life.polls.append(trio.current_time())
            reply = self._status(video)
        else:
            reply = self._receive(str(parts.hostname), request)
        await trio.sleep(self.rng.uniform(0.01, self.life.slowest_answer))
        await self.link.pass_through()
        return reply

    def _status(self, video: str) -> HttpResponse:
        _, ends = self.life.jobs[video]
        status = "completed" if trio.current_time() >= ends else "in_progress"
        body = {"id": video, "object": "video", "status": status, "created_at": int(START)}
        return HttpResponse(200, {"content-type": "application/json"}, json.dumps(body).encode())

    def _receive(self, endpoint: str, request: HttpRequest) -> HttpResponse:
        self.life.work(self, lane_lease(endpoint), f"posts to {endpoint}")
        event = json.loads(request.body or b"{}")
        video = event["data"]["id"]
        self.life.events[video].add(event["id"])
        if self.rng.random() < 0.1:
            raise TransportError("reset", "the answer was lost")
        self.life.received[endpoint, video] += 1
        return HttpResponse(204, {}, b"")


class WitnessedLane(FencedLane):
    """What the owner of a lane claims; each claim is noted."""

    def __init__(self, instance: SimulatedInstance, fence: Fence) -> None:
        super().__init__(instance.store, fence)
        self._instance = instance
        self._lease = fence.lease

    async def claim_due(self, endpoint: str, limit: int) -> list[Claim]:
        """Claim, and tell what was claimed."""
        claims = await super().claim_due(endpoint, limit)
        self._instance.life.claimed(self._instance, self._lease, claims)
        return claims


class MemberWitness:
    """The store of a member: when it beats and what it buries is noted."""

    def __init__(self, instance: SimulatedInstance) -> None:
        self._instance = instance

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the store's
        return getattr(self._instance.store, name)

    async def beat(self, lease: float) -> ClusterState | None:
        """Beat, and note for how long that takes."""
        self._instance.is_beating = True
        try:
            return await self._instance.store.beat(lease)
        finally:
            self._instance.is_beating = False

    async def bury_expired(self, as_of: float) -> list[Instance]:
        """Bury, and tell who was buried by whom."""
        began = trio.current_time()
        dead = await self._instance.store.bury_expired(as_of)
        for one in dead:
            self._instance.life.buried(self._instance, one.name, began)
        return dead

    async def bury_if_expired(self, instance: str) -> bool:
        """Bury the one with this instance's name, and tell who was buried by whom."""
        began = trio.current_time()
        is_dead = await self._instance.store.bury_if_expired(instance)
        if is_dead:
            self._instance.life.buried(self._instance, self._instance.name, began)
        return is_dead


def _rules(_: str) -> PollRules:
    return PollRules(PollIntervals(20.0, 5.0), 120.0, 86_400.0)
