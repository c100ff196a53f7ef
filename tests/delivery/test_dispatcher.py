"""Lanes that come and go while others deliver."""

import pytest
import trio
from trio.testing import MockClock

from notifier.delivery import Dispatcher, Lane, LaneRules
from notifier.wakeup import Wakeup
from tests.builders import memory_store
from tests.delivery.lanes import MOVED, Parts, Receiver, put, steady_clock


async def test_a_lane_that_is_added_delivers_and_one_that_is_removed_finishes_what_it_has(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, "old", count=2)
    await put(store, "new", first=2)
    old, new = Receiver(takes=10), Receiver()
    dispatcher = Dispatcher()
    dispatcher.add("old", Parts(store, old, clock, rules=LaneRules("old", 1)).lane())

    async with trio.open_nursery() as nursery:
        await nursery.start(dispatcher.run)
        await trio.sleep(1)
        dispatcher.add("new", Parts(store, new, clock, rules=LaneRules("new", 1)).lane())
        dispatcher.remove("old")
        dispatcher.wake(["old", "new"])
        await trio.sleep(100)
        dispatcher.stop()

    assert (len(old.got), len(new.got)) == (1, 1)
    counts = (await store.outstanding(0)).deliveries
    assert (counts.delivered, counts.pending) == (2, 1)


async def test_an_attempt_that_fails_at_the_url_of_before_says_nothing_about_the_new_one(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store)
    old, new = Receiver(status=410, takes=10), Receiver()
    parts = Parts(store, old, clock)
    runner = parts.runner()
    flow = parts.flow(runner)
    lane = Lane("app", flow, runner, Wakeup())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        await trio.sleep(1)
        runner.change(parts.delivery_rules, new, MOVED)
        flow.change(parts.rules, new_url=True)
        lane.wake()
        await trio.sleep(60)
        nursery.cancel_scope.cancel()

    assert (len(old.got), len(new.got)) == (1, 1)
    assert (await store.outstanding(0)).deliveries.delivered == 1


async def test_retiring_a_lane_waits_until_what_it_has_in_flight_is_recorded(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, "app", count=2)
    dispatcher = Dispatcher()
    rules = LaneRules("app", 1)
    dispatcher.add("app", Parts(store, Receiver(takes=10), clock, rules=rules).lane())

    async with trio.open_nursery() as nursery:
        await nursery.start(dispatcher.run)
        await trio.sleep(1)
        await dispatcher.retire("app")
        counts = (await store.outstanding(0)).deliveries
        dispatcher.stop()

    assert (counts.delivered, counts.pending) == (1, 1)


@pytest.mark.parametrize("ticks", range(6))
async def test_a_lane_that_is_added_while_or_after_the_dispatcher_ends_is_not_run(
    autojump_clock: MockClock, ticks: int
) -> None:
    clock = steady_clock()
    parts = Parts(memory_store(clock), Receiver(), clock, rules=LaneRules("app", 1))
    dispatcher = Dispatcher()
    async with trio.open_nursery() as nursery:
        await nursery.start(dispatcher.run)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            for _ in range(ticks):
                await trio.lowlevel.checkpoint()
            dispatcher.add("app", parts.lane())
    await dispatcher.retire("app")


async def test_an_endpoint_whose_lane_is_not_here_is_woken_elsewhere(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    dispatcher = Dispatcher()
    dispatcher.add("app", Parts(memory_store(clock), Receiver(), clock).lane())
    elsewhere: list[str] = []
    dispatcher.wake_elsewhere = elsewhere.append
    dispatcher.wake(["app", "chat"])
    assert elsewhere == ["chat"]
