"""The process is stopped for a while, or the machine sleeps: no burst afterwards, no delay."""

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.gateway import Page
from notifier.http_client import Outcome
from notifier.http_server import Response
from notifier.model.answer import Answer, PollError, Seen, Unauthorized
from notifier.model.event import Ending
from notifier.model.watch import Observation, Watch, WatchKey, WatchSpec
from notifier.polling import (
    GatewayScheduler,
    Poller,
    PollerDeps,
    PollRules,
    SchedulerLimits,
    Supervisor,
)
from notifier.schedule.clock import Clock
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.wakeup import Wakeup
from tests.builders import START, memory_store, rng, snapshot
from tests.delivery.lanes import Receiver, make_lane, put, run_for
from tests.faults.jobs import begin, finish
from tests.process.harness import running, world

HOUR = 3600.0
WATCHES = 400
BUDGET = 100
INTERVAL = 20.0


class Gateway:
    """A gateway with jobs that never end; also the store and outbox that pollers need."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, str]] = []

    def start(self, video_id: str, done: Callable[[Outcome], None]) -> bool:
        return False  # each request takes a task

    def read_outcome(self, video_id: str, outcome: Outcome) -> Answer | None:
        raise AssertionError

    async def retrieve(self, video_id: str) -> Answer:
        self.asked.append((trio.current_time(), video_id))
        await trio.sleep(0.05)
        return Seen(snapshot())

    async def list_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        raise AssertionError(limit, after)

    def keep(self, reading: Observation) -> None:
        """Store nothing: no test here restarts."""

    async def publish(self, ending: Ending) -> None:
        raise AssertionError(ending)


def start_watching(gateway: Gateway, nursery: trio.Nursery, budget: float = BUDGET) -> None:
    now, rules = trio.current_time, PollRules(PollIntervals(INTERVAL, 5), 120, float("inf"))
    scheduler = GatewayScheduler(
        "main", gateway, SchedulerLimits(budget, 32, INTERVAL), now=now, rng=rng()
    )
    nursery.start_soon(scheduler.run)

    def poller(watch: Watch) -> Poller:
        return Poller(
            watch,
            scheduler,
            PollerDeps(
                gateway,
                gateway,
                rules=lambda _: rules,
                now=now,
                rng=rng(watch.row),
                history=JobHistory(),
            ),
        )

    supervisor = Supervisor(
        nursery, poller, spread=lambda _: INTERVAL, rng=rng(), settled=Wakeup()
    )
    keys = [WatchKey("main", f"video_{row}") for row in range(WATCHES)]
    watches = [Watch(row, WatchSpec(key), 0) for row, key in enumerate(keys)]
    supervisor.apply(watches, starting=True)


async def test_pollers_that_stood_still_for_an_hour_do_not_all_ask_at_once(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway()
    with capture_logs():
        async with trio.open_nursery() as nursery:
            start_watching(gateway, nursery)
            await trio.sleep(2 * INTERVAL)
            autojump_clock.jump(HOUR)
            resumed = trio.current_time()
            await trio.sleep(60)
            nursery.cancel_scope.cancel()

    since = [(at - resumed, video) for at, video in gateway.asked if at >= resumed]
    a_second = Counter(int(at) for at, _ in since)
    assert max(a_second.values()) < 2.5 * WATCHES / INTERVAL < BUDGET
    assert len({video for at, video in since if at < INTERVAL + 5}) == WATCHES


async def test_polls_that_were_waiting_while_the_process_was_stopped_do_not_all_go_out_at_once(
    autojump_clock: MockClock,
) -> None:
    gateway, budget = Gateway(), 10
    with capture_logs():
        async with trio.open_nursery() as nursery:
            start_watching(gateway, nursery, budget)  # which is less than they would like
            for _ in range(5):
                await trio.sleep(INTERVAL)
                autojump_clock.jump(3)
            nursery.cancel_scope.cancel()

    times = [at for at, _ in gateway.asked]
    assert max(sum(at <= other < at + 0.99 for other in times) for at in times) <= budget


async def test_deliveries_that_came_due_while_the_machine_slept_go_out_within_a_minute(
    autojump_clock: MockClock,
) -> None:
    """Trio's clock stands still while the machine sleeps, the daemon's steady clock does not."""
    asleep = 0.0
    clock = Clock(lambda: START, lambda: trio.current_time() + asleep)
    store = memory_store(clock)
    await put(store, count=40)
    receiver = Receiver(answers=[500] * 40, takes=0.1)
    lane = make_lane(store, receiver, clock)
    with capture_logs():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_for, 10 * HOUR, lane)
            while receiver.answers:  # noqa: ASYNC110 - virtual time
                await trio.sleep(1)
            asleep += 8 * HOUR
            woken = trio.current_time()
            await trio.sleep(5 * 60)
            nursery.cancel_scope.cancel()

    after = [at - woken for at, *_ in receiver.got[40:]]
    assert len(after) == 40
    assert after[0] < 61
    assert receiver.most_at_once <= 4


async def test_a_process_that_was_stopped_for_seconds_goes_on_without_a_burst(
    tmp_path: Path,
) -> None:
    budget, jobs = 20, 30
    async with world(tmp_path) as w:
        answers = iter([500])
        app = await w.receiver(answer=lambda _: Response(next(answers, 204), {}, b""))
        w.endpoint(app, retry_schedule=["1s", "1s"])
        w.gateway(max_requests_per_second=budget)
        begin(w, "before", "meanwhile", *(f"endless-{number}" for number in range(jobs)))
        async with running(w.save()) as daemon:
            finish(w, "before")
            await daemon.wait_for_log("attempt")
            daemon.process.send_signal(signal.SIGSTOP)
            finish(w, "meanwhile")
            await trio.sleep(4)  # how long it stands still is what is tested
            daemon.process.send_signal(signal.SIGCONT)
            before, resumed = len(w.sandbox.requests), trio.current_time()
            await app.wait_for(3)
            took, polls = trio.current_time() - resumed, len(w.sandbox.requests) - before
            assert await daemon.end() == 0

        assert Counter(got.event["data"]["id"] for got in app.got) == {"before": 2, "meanwhile": 1}
        # they would like to ask ten times as often: what is not held back shows at once
        assert polls <= budget * took + budget
