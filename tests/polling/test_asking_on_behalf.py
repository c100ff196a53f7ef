"""The scheduler asks on behalf of parked pollers, whose tasks sleep on unless they must decide."""

from collections.abc import Callable

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.http_client import Outcome
from notifier.model.answer import Answer, PollError, Seen
from notifier.model.status import Status
from notifier.model.watch import Watch, WatchKey, WatchSpec
from notifier.polling import GatewayScheduler, Poller, PollerDeps, PollRules, Supervisor
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.wakeup import Wakeup
from tests.builders import rng, snapshot
from tests.polling.schedulers import Gateway, make_scheduler
from tests.polling.test_supervisor import World as StoreAndOutbox


class Starting(Gateway):
    """Answers requests without a task after `takes` seconds, by `read` if a test sets it."""

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__()
        self.nursery = nursery
        self.takes = 1.0
        self.read: Callable[[str], Answer | None] | None = None
        self.started: list[tuple[float, str]] = []
        self.keeps_connections = True
        self._another = trio.Event()

    async def has_started(self, requests: int) -> None:
        """Wait until there were so many requests."""
        while len(self.started) < requests:
            await self._another.wait()

    def start(self, video_id: str, done: Callable[[Outcome], None]) -> bool:
        if self.keeps_connections:
            self.started.append((trio.current_time(), video_id))
            self._another.set()
            self._another = trio.Event()
            self.nursery.start_soon(self._end, done)
        return self.keeps_connections

    async def _end(self, done: Callable[[Outcome], None]) -> None:
        await trio.sleep(self.takes)
        done(None)

    def read_outcome(self, video_id: str, outcome: Outcome) -> Answer | None:
        return (
            self.answers.get(video_id, self.answer) if self.read is None else self.read(video_id)
        )


class Slot(PollSlot):
    """Accepts answers as a test says, and asks again after 20 s."""

    def __init__(self, video_id: str, *, accepts: bool = True) -> None:
        super().__init__(video_id)
        self.accepts = accepts
        self.applied: list[Answer] = []
        self.woken: list[PollResult | Exception | None] = []
        self.due = self.earliest = trio.current_time()

    def accept(self, answer: Answer, at: float, now: float, *, counts: bool) -> bool:
        if self.accepts:
            self.applied.append(answer)
            self.due = self.earliest = now + 20
        return self.accepts

    async def run(self, scheduler: GatewayScheduler) -> None:
        scheduler.wait(self)
        while True:
            await self.park()
            try:
                asked = await scheduler.ask(self)
            except Exception as error:  # noqa: BLE001 - the test looks at it
                self.woken.append(error)
                return
            self.woken.append(asked)
            if asked is not None:
                return


async def test_an_answer_by_which_a_job_goes_on_wakes_no_task(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    scheduler = make_scheduler(nursery, gateway)
    slot = Slot("video_1")
    nursery.start_soon(slot.run, scheduler)
    await trio.sleep(50)
    assert [at for at, _ in gateway.started] == pytest.approx([0, 21, 42], abs=0.1)
    assert slot.applied == [gateway.answer] * 3
    assert slot.woken == []
    assert gateway.asked == []


async def test_an_answer_that_needs_a_decision_wakes_the_task_with_it(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    scheduler = make_scheduler(nursery, gateway)
    slot = Slot("video_1", accepts=False)
    nursery.start_soon(slot.run, scheduler)
    await trio.sleep(5)
    (asked,) = slot.woken
    assert isinstance(asked, PollResult)
    assert asked.answer == gateway.answer
    assert asked.single


async def test_where_a_connection_has_to_be_made_the_task_asks(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    scheduler = make_scheduler(nursery, gateway)
    none_kept, closed = Slot("video_1"), Slot("video_2")
    gateway.keeps_connections = False
    nursery.start_soon(none_kept.run, scheduler)
    await trio.sleep(5)
    gateway.keeps_connections, gateway.read = True, lambda _: None
    nursery.start_soon(closed.run, scheduler)
    await trio.sleep(5)
    assert [video_id for _, video_id in gateway.asked] == ["video_1", "video_2"]
    for slot in (none_kept, closed):
        (asked,) = slot.woken
        assert isinstance(asked, PollResult)
        assert asked.answer == gateway.answer


async def test_what_fails_while_an_answer_is_read_fails_in_the_task_of_its_video_alone(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    scheduler = make_scheduler(nursery, gateway, in_flight=1)
    bug = RuntimeError("a bug")

    def read(video_id: str) -> Answer:
        if video_id == "video_1":
            raise bug
        return gateway.answer

    gateway.read = read
    bad, good = Slot("video_1"), Slot("video_2")
    for slot in (bad, good):
        nursery.start_soon(slot.run, scheduler)
    await trio.sleep(5)
    assert bad.woken == [bug]
    assert good.applied == [gateway.answer]


async def test_requests_on_behalf_of_pollers_count_as_in_flight(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    scheduler = make_scheduler(nursery, gateway, in_flight=2)
    for number in range(6):
        nursery.start_soon(Slot(f"video_{number}").run, scheduler)
    await trio.sleep(5)
    assert [at for at, _ in gateway.started] == pytest.approx([0, 0, 1, 1, 2, 2], abs=0.1)


async def test_a_poller_that_is_cancelled_meanwhile_leaves_room_for_others(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    scheduler = make_scheduler(nursery, gateway, in_flight=1)
    gone, other = Slot("video_1"), Slot("video_2")
    async with trio.open_nursery() as pollers:
        pollers.start_soon(gone.run, scheduler)
        await trio.sleep(0.5)
        nursery.start_soon(other.run, scheduler)
        pollers.cancel_scope.cancel()
    await trio.sleep(5)
    assert (gone.applied, gone.woken) == ([], [])
    assert other.applied == [gateway.answer]


async def test_an_answer_that_comes_while_a_poller_is_asked_for_waits_for_that_answer(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    scheduler = make_scheduler(nursery, gateway)
    slot = Slot("video_1")
    nursery.start_soon(slot.run, scheduler)
    await trio.sleep(0.5)
    passing = Seen(snapshot(Status.QUEUED))
    scheduler.accept_passing("video_1", passing)
    await trio.sleep(5)
    assert slot.applied == [gateway.answer]


async def supervised(nursery: trio.Nursery, gateway: Gateway) -> tuple[Supervisor, StoreAndOutbox]:
    """Poll two videos with real pollers."""
    scheduler, rest = make_scheduler(nursery, gateway), StoreAndOutbox()
    rules = PollRules(PollIntervals(20, 5), 120, 10_000)
    deps = PollerDeps(rest, rest, lambda _: rules, trio.current_time, rng(), JobHistory())
    supervisor = Supervisor(
        nursery,
        lambda watch: Poller(watch, scheduler, deps),
        spread=lambda _: 0.0,
        rng=rng(),
        settled=Wakeup(),
    )
    for row in (1, 2):
        key = WatchKey("main", f"video_{row}")
        supervisor.add(Watch(row, WatchSpec(key), taken_at=0.0))
    return supervisor, rest


async def test_real_pollers_sleep_until_a_job_ends(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    supervisor, rest = await supervised(nursery, gateway)
    await trio.sleep(100)
    assert supervisor.polling == 2
    tasks = {poller.task for poller in supervisor.pollers.values()}
    await trio.sleep(100)
    assert {poller.task for poller in supervisor.pollers.values()} == tasks
    gateway.answers["video_1"] = Seen(snapshot(Status.COMPLETED))
    await trio.sleep(60)
    assert [ending.watch.key.video_id for ending in rest.endings] == ["video_1"]
    assert supervisor.polling == 1


async def test_a_poller_that_is_stopped_while_it_is_asked_for_discards_the_answer(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    supervisor, rest = await supervised(nursery, gateway)
    await trio.sleep(30)
    gateway.takes, gateway.answer = 5.0, Seen(snapshot(Status.COMPLETED))
    before = len(gateway.started)
    await gateway.has_started(before + 2)
    supervisor.drop(1)
    await trio.sleep(60)
    assert [ending.watch.key.video_id for ending in rest.endings] == ["video_2"]
    assert len(gateway.started) == before + 2


async def test_a_bug_in_handling_an_answer_restarts_that_poller_and_no_other(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    await supervised(nursery, gateway)
    await trio.sleep(30)

    def read(video_id: str) -> Answer:
        if video_id == "video_1":
            raise RuntimeError("a bug")
        return gateway.answer

    gateway.read = read
    with capture_logs() as logs:
        await trio.sleep(120)
        gateway.read = None
        await trio.sleep(120)
    crashes = [line for line in logs if line["event"] == "poller_crashed"]
    assert crashes
    assert {line["video_id"] for line in crashes} == {"video_1"}
    asked_late = {video_id for at, video_id in gateway.started if at > 200}
    assert asked_late == {"video_1", "video_2"}


async def test_a_failure_is_reported_by_the_task(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Starting(nursery)
    await supervised(nursery, gateway)
    await trio.sleep(30)
    gateway.answer = PollError("timeout")
    with capture_logs() as logs:
        await trio.sleep(60)
    assert {line["outcome"] for line in logs if line["event"] == "poll"} == {"timeout"}
