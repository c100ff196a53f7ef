"""A gateway that fails for every video, in virtual time, with the real supervisor and client.

A thousand videos are watched while the gateway is away, refuses the key or throttles. Counted
is what it sees: never more than the budget in any second, a trickle while it is in trouble, and
no crowd when it is back.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.delivery import Dispatcher, Outbox, Subscription
from notifier.errors import TransportError
from notifier.gateway import GatewayClient, GatewayRules
from notifier.http_client import HttpRequest, HttpResponse, RequestTemplate
from notifier.model.delivery import Format
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
from notifier.schedule.clock import Clock
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.store import Store
from notifier.wakeup import Wakeup
from tests.builders import START, NothingFollows, listing, memory_store, rng, spec

WATCHES = 1000
BUDGET = 100.0
INTERVAL = 20.0
HOUR = 3600.0


@dataclass
class Gateway:
    """Answers every video with `status`, unless `trouble` says otherwise; keeps the times."""

    trouble: HttpResponse | TransportError | None = None
    key: str = "sk-old"
    statuses: dict[str, str] = field(default_factory=dict)
    asked: list[float] = field(default_factory=list)
    answered: dict[str, float] = field(default_factory=dict)

    def start(self, requests: RequestTemplate, segment: str, done: object) -> bool:
        return False  # each request takes a task

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(trio.current_time())
        await trio.sleep(0.05)
        if isinstance(self.trouble, TransportError):
            raise self.trouble
        if self.trouble is not None:
            return self.trouble
        if request.headers["authorization"] != f"Bearer {self.key}":
            return HttpResponse(401, {}, b'{"error": {"message": "wrong key"}}')
        video_id = request.url.rpartition("/")[2]
        self.answered[video_id] = trio.current_time()
        status = self.statuses.get(video_id, "in_progress")
        return HttpResponse(200, {}, json.dumps({"id": video_id, "status": status}).encode())

    def since(self, moment: float) -> list[float]:
        """Return when it was asked since `moment`, counted from there."""
        return [at - moment for at in self.asked if at >= moment]

    def busiest_second(self, since: float = 0) -> int:
        """Return the most requests in any window of one second."""
        times, most, first = self.since(since), 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= 1 - 1e-6:
                first += 1
            most = max(most, last - first + 1)
        return most


@dataclass
class Watching:
    """The gateway and the daemon's parts; `key` is the daemon's key."""

    gateway: Gateway
    store: Store
    key: str = "sk-old"

    async def events(self) -> dict[str, str]:
        """Return the type of each video's event."""
        claims = await self.store.claim_due("app", 10 * WATCHES)
        return {claim.subject["video_id"]: claim.event_type for claim in claims}


@asynccontextmanager
async def watching(count: int = WATCHES) -> AsyncIterator[Watching]:
    """Watch so many videos; all have been polled when the block begins."""
    clock = Clock(lambda: START, trio.current_time)
    w = Watching(Gateway(), memory_store(clock))
    headers = lambda: {"authorization": f"Bearer {w.key}"}  # noqa: E731 - one line of a table
    client = GatewayClient(
        GatewayRules("http://gateway/v1", headers, 30.0, {}, rewrites_ids=False),
        w.gateway,
        clock.wall,
    )
    scheduler = GatewayScheduler(
        "main", client, SchedulerLimits(BUDGET, 32, INTERVAL), now=clock.now, rng=rng()
    )
    outbox = Outbox(
        w.store,
        [Subscription("app", Format.STANDARD, ("video.*",))],
        content_url=lambda _, video: f"http://gateway/{video}",
        follow_ups=NothingFollows(),
        event_id=lambda watch, _: f"evt_{watch.row}",
        wall=clock.wall,
        lanes=Dispatcher(),
    )
    rules = PollRules(PollIntervals(INTERVAL, 5.0), 120.0, float("inf"))

    readings = SnapshotWriter(w.store)

    def poller(watch: Watch) -> Poller:
        dice = rng(watch.row)
        return Poller(
            watch,
            scheduler,
            PollerDeps(
                readings,
                outbox,
                rules=lambda _: rules,
                now=clock.now,
                rng=dice,
                history=JobHistory(),
            ),
        )

    specs = [spec(f"video_{number}") for number in range(count)]
    watches = await w.store.sync_watches([listing(*specs)], [])
    with capture_logs():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(scheduler.run)
            nursery.start_soon(readings.run)
            supervisor = Supervisor(
                nursery, poller, spread=lambda _: INTERVAL, rng=rng(), settled=Wakeup()
            )
            supervisor.apply(watches, starting=True)
            await trio.sleep(3 * INTERVAL)
            yield w
            nursery.cancel_scope.cancel()


OUTAGES: dict[str, HttpResponse | TransportError] = {
    "answers never come": TransportError("timeout", "no complete answer within 30 s"),
    "it answers 503": HttpResponse(503, {}, b"upstream"),
}


@pytest.mark.parametrize("outage", OUTAGES)
async def test_after_an_outage_every_video_is_polled_again_and_not_all_at_once(
    outage: str, autojump_clock: MockClock
) -> None:
    async with watching() as w:
        usual = len(w.gateway.asked) / (3 * INTERVAL)
        w.gateway.trouble = OUTAGES[outage]
        began = trio.current_time()
        await trio.sleep(HOUR)
        quiet = len(w.gateway.since(began + HOUR / 2)) / (HOUR / 2)
        w.gateway.trouble, back = None, trio.current_time()
        await trio.sleep(15 * 60)

        assert w.gateway.busiest_second() <= BUDGET
        assert quiet < usual / 5
        # a ramp: the first seconds bring no more than usual, and soon all have had an answer
        assert sum(at < 10 for at in w.gateway.since(back)) < 10 * usual
        assert w.gateway.busiest_second(back) < 2 * usual
        assert len(w.gateway.answered) == WATCHES
        assert min(w.gateway.answered.values()) > back
        assert await w.events() == {}


async def test_a_key_that_is_refused_for_an_hour_costs_a_trickle_and_no_watch(
    autojump_clock: MockClock,
) -> None:
    async with watching() as w:
        w.gateway.key = "sk-new"
        began = trio.current_time()
        await trio.sleep(HOUR)
        refused = w.gateway.since(began + 60)
        # once about each video: certain videos may be what is refused, and not the key
        trickle = w.gateway.since(began + 60 + WATCHES)
        w.key, changed = "sk-new", trio.current_time()
        w.gateway.statuses = {f"video_{number}": "completed" for number in range(WATCHES)}
        await trio.sleep(5 * 60)

        assert len(refused) < WATCHES + 90
        assert len(trickle) < 90
        assert w.gateway.busiest_second(changed) <= BUDGET
        assert set((await w.events()).values()) == {"video.completed"}


async def test_a_gateway_that_throttles_for_ten_minutes_is_asked_less_and_ends_no_watch(
    autojump_clock: MockClock,
) -> None:
    async with watching() as w:
        usual = len(w.gateway.asked) / (3 * INTERVAL)
        w.gateway.trouble = HttpResponse(429, {"retry-after": "30"}, b"")
        began = trio.current_time()
        await trio.sleep(600)
        asked = len(w.gateway.since(began + 60)) / 540
        w.gateway.trouble = None
        w.gateway.statuses = {f"video_{number}": "completed" for number in range(WATCHES)}
        await trio.sleep(HOUR)

        assert asked < usual / 5
        assert w.gateway.busiest_second(began) <= BUDGET
        assert len(await w.events()) == WATCHES


async def test_the_first_terminal_status_wins_and_the_video_is_not_polled_again(
    autojump_clock: MockClock,
) -> None:
    async with watching(1) as w:
        w.gateway.statuses["video_0"] = "completed"
        await trio.sleep(2 * INTERVAL)
        w.gateway.statuses["video_0"] = "queued"
        again = trio.current_time()
        await trio.sleep(HOUR)
        w.gateway.statuses["video_0"] = "failed"
        await trio.sleep(HOUR)

        assert await w.events() == {"video_0": "video.completed"}
        assert w.gateway.since(again) == []


async def test_a_not_found_between_good_answers_loses_no_video(autojump_clock: MockClock) -> None:
    denial = HttpResponse(404, {}, b'{"error": {"code": "video_not_found", "message": "no"}}')
    async with watching(1) as w:
        for _ in range(20):
            w.gateway.trouble = denial
            await trio.sleep(2 * INTERVAL)
            w.gateway.trouble = None
            await trio.sleep(2 * INTERVAL)
        assert await w.events() == {}

        w.gateway.trouble = denial
        await trio.sleep(10 * INTERVAL)
        assert await w.events() == {"video_0": "video.lost"}
