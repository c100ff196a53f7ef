"""One supervised task per open watch: none of them can take another along."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.errors import StoreError
from notifier.model.answer import Answer, Seen
from notifier.model.event import Ending
from notifier.model.status import Status
from notifier.model.watch import Observation, Watch, WatchChanges, WatchKey, WatchSpec
from notifier.polling import Poller, PollerDeps, PollRules, Supervisor
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.wakeup import Wakeup
from tests.builders import rng, snapshot


class World:
    """A gateway, a store and an outbox in one: all that pollers talk to."""

    def __init__(self) -> None:
        self.answer: Callable[[str], Answer] = lambda _: Seen(snapshot())
        self.asked: dict[str, list[float]] = {}
        self.left: list[str] = []
        self.endings: list[Ending] = []
        self.refuse_endings = 0

    def wait(self, slot: PollSlot) -> None:
        trio.lowlevel.spawn_system_task(self._wake, slot)

    async def _wake(self, slot: PollSlot) -> None:
        await trio.sleep_until(slot.due)
        slot.wake("ask")

    async def ask(self, slot: PollSlot) -> PollResult | None:
        word, slot.wake_value = slot.wake_value, None
        if word is None:
            return None
        self.asked.setdefault(slot.video_id, []).append(trio.current_time())
        return PollResult(self.answer(slot.video_id), trio.current_time())

    def stop_waiting(self, slot: PollSlot) -> None:
        slot.wake(None)

    def leave(self, slot: PollSlot) -> None:
        self.left.append(slot.video_id)

    def keep(self, reading: Observation) -> None:
        """Keep nothing: no test here starts anew."""

    async def publish(self, terminal_state: Ending) -> None:
        await trio.lowlevel.checkpoint()
        if self.refuse_endings:
            self.refuse_endings -= 1
            raise StoreError("the disk is full")
        self.endings.append(terminal_state)

    def poller(self, watch: Watch) -> Poller | None:
        if watch.key.gateway == "removed":
            return None
        return Poller(
            watch,
            self,
            PollerDeps(
                self,
                self,
                rules=lambda _: PollRules(PollIntervals(20, 5), 120, float("inf")),
                now=trio.current_time,
                rng=rng(),
                history=JobHistory(),
            ),
        )

    def supervisor(self, nursery: trio.Nursery) -> Supervisor:
        configured = {"main": 20.0, "other": 20.0}
        return Supervisor(
            nursery,
            self.poller,
            spread=lambda watch: configured[watch.key.gateway],
            rng=rng(),
            settled=Wakeup(),
        )


def open_watch(row: int, *, fresh: bool = True, gateway: str = "main", user: str = "") -> Watch:
    spec = WatchSpec(WatchKey(gateway, f"video_{row}"), metadata={"user": user})
    return Watch(row=row, spec=spec, taken_at=0, fresh=fresh)


async def run_for(seconds: float, nursery: trio.Nursery) -> None:
    await trio.sleep(seconds)
    nursery.cancel_scope.cancel()


async def test_a_crash_restarts_that_poller_with_growing_waits_and_touches_no_other(
    autojump_clock: MockClock,
) -> None:
    world = World()

    def answer(video_id: str) -> Answer:
        if video_id == "video_1":
            raise ZeroDivisionError
        return Seen(snapshot())

    world.answer = answer
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            world.supervisor(nursery).apply([open_watch(1), open_watch(2)])
            await run_for(300, nursery)

    crashed, healthy = world.asked["video_1"], world.asked["video_2"]
    gaps = [later - at for at, later in pairwise(crashed)]
    assert gaps[0] < 2
    assert max(gaps) > 30
    assert len(healthy) >= 300 / 24
    assert {line["video_id"] for line in logs if line["event"] == "poller_crashed"} == {"video_1"}


async def test_an_ending_that_the_store_refused_is_kept_and_the_first_word_wins(
    autojump_clock: MockClock,
) -> None:
    world = World()
    words = iter([Seen(snapshot(Status.COMPLETED)), Seen(snapshot(Status.FAILED))])
    world.answer = lambda _: next(words)
    world.refuse_endings = 3

    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            world.supervisor(nursery).apply([open_watch(1)])

    assert [terminal_state.type.value for terminal_state in world.endings] == ["video.completed"]
    assert len(world.asked["video_1"]) == 1
    assert [line["event"] for line in logs].count("poller_waits_for_store") == 3


async def test_an_ending_is_handed_on_within_a_minute_of_the_store_being_well_again(
    autojump_clock: MockClock,
) -> None:
    world = World()
    world.answer = lambda _: Seen(snapshot(Status.COMPLETED))
    world.refuse_endings = 10**6

    with capture_logs():
        async with trio.open_nursery() as nursery:
            world.supervisor(nursery).apply([open_watch(row) for row in range(50)])
            await trio.sleep(6 * 3600)
            world.refuse_endings = 0
            await run_for(60, nursery)

    assert len(world.endings) == 50


async def test_a_new_watch_is_polled_at_once_and_known_ones_are_spread_at_the_start(
    autojump_clock: MockClock,
) -> None:
    world = World()
    watches = [open_watch(row, fresh=row == 0) for row in range(200)]

    async with trio.open_nursery() as nursery:
        world.supervisor(nursery).apply(watches, starting=True)
        await run_for(21, nursery)

    first = [world.asked[f"video_{row}"][0] for row in range(200)]
    assert first[0] == pytest.approx(0, abs=0.01)
    assert max(first) - min(first) > 18
    assert max(sum(at <= t < at + 1 for t in first) for at in range(20)) < 30


async def test_a_withdrawn_watch_is_not_polled_any_more_and_the_others_keep_their_rhythm(
    autojump_clock: MockClock,
) -> None:
    world = World()
    async with trio.open_nursery() as nursery:
        supervisor = world.supervisor(nursery)
        supervisor.apply([open_watch(1), open_watch(2)])
        await trio.sleep(30)
        before = list(world.asked["video_2"])
        supervisor.apply([open_watch(2, fresh=False)])
        await run_for(100, nursery)

    assert max(world.asked["video_1"]) <= 30
    assert world.asked["video_2"][: len(before)] == before
    assert world.asked["video_2"][len(before)] > 30


async def test_changed_settings_reach_a_running_poller(autojump_clock: MockClock) -> None:
    world = World()
    async with trio.open_nursery() as nursery:
        supervisor = world.supervisor(nursery)
        supervisor.apply([open_watch(1)])
        await trio.sleep(5)
        supervisor.apply([open_watch(1, user="7")])
        world.answer = lambda _: Seen(snapshot(Status.COMPLETED))

    assert world.endings[0].watch.spec.metadata == {"user": "7"}


async def test_a_watch_whose_gateway_left_the_config_stays_open_and_is_reported_once(
    autojump_clock: MockClock,
) -> None:
    world = World()
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            supervisor = world.supervisor(nursery)
            watch = open_watch(1, gateway="removed", fresh=False)
            supervisor.apply([watch], starting=True)
            supervisor.take_over([watch])
            supervisor.apply([watch])
            assert supervisor.orphans == 1

    assert [line["event"] for line in logs] == ["watch_without_gateway"]


async def test_pollers_of_a_gateway_that_leaves_stop_and_go_on_when_it_is_back(
    autojump_clock: MockClock,
) -> None:
    world = World()
    watches = [open_watch(1), open_watch(2, gateway="other")]
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            supervisor = world.supervisor(nursery)
            supervisor.apply(watches)
            await trio.sleep(100)
            supervisor.release("other")
            left = len(world.asked["video_2"])
            await trio.sleep(100)
            assert len(world.asked["video_2"]) == left
            assert supervisor.orphans == 1

            supervisor.apply(watches)
            await trio.sleep(100)
            nursery.cancel_scope.cancel()

    assert supervisor.orphans == 0
    assert len(world.asked["video_2"]) > left
    assert len(world.asked["video_1"]) >= 12
    assert [line["event"] for line in logs if line["event"] != "poll"] == ["watch_without_gateway"]


async def test_many_watches_whose_dropins_are_lost_are_one_warning(
    autojump_clock: MockClock,
) -> None:
    world = World()
    with capture_logs() as lines:
        async with trio.open_nursery() as nursery:
            supervisor = world.supervisor(nursery)
            supervisor.apply([open_watch(row) for row in range(1, 8)])
            await trio.sleep(1)
            supervisor.apply_changes(WatchChanges(withdrawn=[1]))
            supervisor.apply_changes(WatchChanges(withdrawn=range(2, 8), lost_files=6))
            await run_for(1, nursery)
    assert [line["video_id"] for line in lines if line["event"] == "withdrawn"] == ["video_1"]
    (lost,) = [line for line in lines if line["event"] == "dropins_lost"]
    assert (lost["log_level"], lost["files"], lost["withdrawn"]) == ("warning", 6, 6)
    assert supervisor.polling == 0


async def test_watches_of_another_instance_are_polled_soon_not_at_once_and_let_go_without_a_word(
    autojump_clock: MockClock,
) -> None:
    world = World()
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            supervisor = world.supervisor(nursery)
            supervisor.apply([open_watch(0)])
            supervisor.take_over([open_watch(row) for row in range(100)])
            await trio.sleep(40)
            supervisor.let_go(range(1, 101))
            assert supervisor.polling == 1
            await run_for(60, nursery)

    first = [world.asked[f"video_{row}"][0] for row in range(1, 100)]
    assert 4 < max(first) - min(first) <= 5
    assert max(world.asked["video_1"]) <= 40
    assert max(world.asked["video_0"]) > 60
    assert "withdrawn" not in [line["event"] for line in logs]
