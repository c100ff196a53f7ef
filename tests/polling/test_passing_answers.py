"""Status answers that an application asked for are taken in as polls, and save some."""

import pytest
import trio
from trio.testing import MockClock

from notifier.model.answer import Answer, Seen
from notifier.model.status import Status
from notifier.model.watch import Watch
from notifier.polling import GatewayScheduler, Poller, PollerDeps, PollRules, Supervisor
from notifier.polling.poll_slot import PollSlot
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.wakeup import Wakeup
from tests.builders import rng, snapshot
from tests.polling.schedulers import Gateway, ask, make_scheduler
from tests.polling.test_supervisor import World, open_watch

INTERVAL = 20
RUNNING = Seen(snapshot())
COMPLETED = Seen(snapshot(Status.COMPLETED))


class Polled:
    """A video with a real poller at a real scheduler, before a gateway that counts requests."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.gateway = Gateway()
        self.scheduler = make_scheduler(nursery, self.gateway)
        self.outbox = World()
        settled = Wakeup()
        self.pollers = Supervisor(
            nursery, self._poller, spread=lambda _: INTERVAL, rng=rng(), settled=settled
        )
        self.pollers.apply([open_watch(1)])

    def _poller(self, watch: Watch) -> Poller:
        deps = PollerDeps(
            self.outbox,
            self.outbox,
            rules=lambda _: PollRules(PollIntervals(INTERVAL, 5), 120, float("inf")),
            now=trio.current_time,
            rng=rng(),
            history=JobHistory(),
        )
        return Poller(watch, self.scheduler, deps)


async def test_an_application_that_asks_often_saves_every_poll(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        polled = Polled(nursery)
        await trio.sleep(200)
        without = len(polled.gateway.asked)
        for _ in range(50):
            wait = polled.scheduler.accept_passing("video_1", RUNNING)
            assert wait is not None
            assert 0 < wait <= INTERVAL * 1.5
            await trio.sleep(4)
        assert without >= 8
        assert len(polled.gateway.asked) == without
        await trio.sleep(200)  # once the application stops, polls go on
        assert len(polled.gateway.asked) >= without + 8
        nursery.cancel_scope.cancel()


async def test_an_answer_that_passes_by_may_bring_the_next_poll_forward(
    autojump_clock: MockClock,
) -> None:
    class Impatient(PollSlot):
        def accept(self, answer: Answer, at: float, now: float, *, counts: bool) -> bool:
            self.due = self.earliest = now + 2
            return True

        async def poll(self) -> None:
            scheduler.wait(self)
            await self.park()
            await scheduler.ask(self)

    async with trio.open_nursery() as nursery:
        gateway = Gateway()
        scheduler = make_scheduler(nursery, gateway)
        slot = Impatient("video_1")
        slot.due = trio.current_time() + 1000
        nursery.start_soon(slot.poll)
        await trio.sleep(10)
        scheduler.accept_passing("video_1", RUNNING)
        await trio.sleep(3)
        assert len(gateway.asked) == 1
        nursery.cancel_scope.cancel()


async def test_an_ending_that_passes_by_ends_the_watch_at_once(autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        polled = Polled(nursery)
        await trio.sleep(30)
        asked = len(polled.gateway.asked)
        assert polled.scheduler.accept_passing("video_1", COMPLETED) is None
        await trio.sleep(1)
        assert [each.type.value for each in polled.outbox.endings] == ["video.completed"]
        assert len(polled.gateway.asked) == asked
        assert polled.scheduler.accept_passing("video_1", COMPLETED) is None
        nursery.cancel_scope.cancel()
    assert len(polled.outbox.endings) == 1


async def test_what_the_answer_to_a_create_said_saves_the_first_poll(
    autojump_clock: MockClock,
) -> None:
    async with trio.open_nursery() as nursery:
        polled = Polled(nursery)
        polled.pollers.add(open_watch(2), RUNNING)
        polled.pollers.add(open_watch(3))
        await trio.sleep(INTERVAL / 4)
        assert sorted(video for _, video in polled.gateway.asked) == ["video_1", "video_3"]
        assert polled.pollers.pollers[2].known == RUNNING.snapshot
        await trio.sleep(2 * INTERVAL)
        assert "video_2" in {video for _, video in polled.gateway.asked}
        nursery.cancel_scope.cancel()


async def test_a_create_whose_answer_is_terminal_is_asked_about_at_once(
    autojump_clock: MockClock,
) -> None:
    async with trio.open_nursery() as nursery:
        polled = Polled(nursery)
        polled.gateway.answer = COMPLETED
        polled.pollers.add(open_watch(2), COMPLETED)
        await trio.sleep(1)
        assert "video_2" in {video for _, video in polled.gateway.asked}
        assert len(polled.outbox.endings) == 2
        nursery.cancel_scope.cancel()


async def test_an_answer_beside_a_poll_in_flight_is_not_taken_twice(
    autojump_clock: MockClock,
) -> None:
    async with trio.open_nursery() as nursery:
        polled = Polled(nursery)
        polled.gateway.takes = 10.0
        polled.gateway.answer = COMPLETED
        while not polled.gateway.asked:  # noqa: ASYNC110 - the fake gateway sets no event
            await trio.sleep(0.1)
        assert polled.scheduler.accept_passing("video_1", COMPLETED) == pytest.approx(INTERVAL)
        await trio.sleep(20)
        assert len(polled.outbox.endings) == 1
        nursery.cancel_scope.cancel()


async def test_an_answer_about_a_video_that_is_not_watched_is_ignored(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    scheduler: GatewayScheduler = make_scheduler(nursery, Gateway())
    assert not scheduler.is_polled("video_9")
    assert scheduler.accept_passing("video_9", RUNNING) is None


async def test_requests_that_pass_by_leave_the_pollers_less_of_the_budget(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Gateway()
    scheduler = make_scheduler(nursery, gateway, rate=1)
    start = trio.current_time()
    for _ in range(30):
        scheduler.unplanned.count()
    await ask(scheduler, "video_1")
    ((at, _),) = gateway.asked
    assert at - start >= 29
