"""What becomes of deliveries, and of the others, when an endpoint is in trouble."""

from itertools import pairwise

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.delivery import (
    Subscription,
)
from notifier.model.delivery import Format
from notifier.webhook import Outcome
from tests.builders import memory_store
from tests.delivery.lanes import DAY, Parts, Receiver, make_lane, put, run_for, steady_clock


async def test_an_endpoint_that_is_down_gets_single_probes_and_the_rest_keeps_its_retries(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=500)
    receiver = Receiver(status=None, takes=15)

    with capture_logs() as logs:
        await run_for(6 * 3600, make_lane(store, receiver, clock))

    times = [at for at, _, _ in receiver.got][10:]
    assert min(later - at for at, later in pairwise(times)) >= 15 + 60 * 0.8
    assert len(times) < 6 * 60
    assert [line["event"] for line in logs].count("endpoint_failing") == 1
    assert (await store.outstanding(0)).deliveries.pending == 500


async def test_a_backlog_drains_at_a_growing_rate_once_the_endpoint_is_back(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=500)
    receiver = Receiver(status=503)
    lane = make_lane(store, receiver, clock)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        await trio.sleep(3600)
        receiver.status, before = 204, len(receiver.got)
        await trio.sleep(8 * 3600)
        nursery.cancel_scope.cancel()

    times = [at for at, _, _ in receiver.got][before:]
    first = times[0]
    assert sum(at < first + 10 for at in times) <= 15
    assert sum(at < first + 60 for at in times) >= 300
    assert (await store.outstanding(0)).deliveries.delivered == 500


async def test_after_six_hours_without_the_receiver_everything_arrives_and_new_events_at_once(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    receiver = Receiver(status=None, takes=15)
    lane = make_lane(store, receiver, clock)
    back = 6 * 3600

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        for number in range(360):
            await put(store, first=number)
            lane.wake()
            await trio.sleep(60)
        receiver.status, receiver.takes = 204, 0
        await trio.sleep(600)
        soon = (await store.outstanding(0)).deliveries.delivered
        await put(store, first=360)
        lane.wake()
        await trio.sleep(1)
        latest = receiver.got[-1]
        await trio.sleep(DAY - 600)
        nursery.cancel_scope.cancel()

    counts = (await store.outstanding(0)).deliveries
    assert (counts.delivered, counts.dead, counts.pending) == (361, 0, 0)
    assert soon >= 200
    assert (latest[1], round(latest[0])) == ("evt_360", back + 600)


async def test_a_poisoned_event_delays_no_other(autojump_clock: MockClock) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store)
    receiver = PoisonedBy("evt_0")
    lane = make_lane(store, receiver, clock)
    delays = []

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        for number in range(1, 200):
            await trio.sleep(3600)
            await put(store, first=number)
            lane.wake()
            asked = trio.current_time()
            await trio.sleep(120)
            delays.append(max(at for at, _, _ in receiver.got) - asked)
        nursery.cancel_scope.cancel()

    counts = (await store.outstanding(0)).deliveries
    assert (counts.delivered, counts.dead, counts.pending) == (199, 1, 0)
    assert max(delays) <= 75


class PoisonedBy(Receiver):
    """Takes everything but one event."""

    def __init__(self, event_id: str) -> None:
        super().__init__()
        self._poison = event_id

    async def send(self, event_id: str, body: bytes) -> Outcome:
        self.status = 400 if event_id == self._poison else 204
        return await super().send(event_id, body)


async def test_an_endpoint_that_is_down_for_a_week_is_disabled_and_the_others_are_notified(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    receiver = Receiver(status=500)
    others = (
        Subscription("ops", Format.STANDARD, ("endpoint.*",)),
        Subscription("pager", Format.SLACK, ("endpoint.disabled",)),
        Subscription("deaf", Format.STANDARD, ("video.*",)),
        Subscription("app", Format.STANDARD, ("endpoint.*",)),
    )
    lane = Parts(store, receiver, clock, others=others).lane()

    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lane.run)
            for number in range(7 * 4):
                await put(store, first=number)
                lane.wake()
                await trio.sleep(DAY / 4)
            nursery.cancel_scope.cancel()

    (line,) = [entry for entry in logs if entry["event"] == "endpoint_disabled"]
    assert line["reason"] == "no attempt succeeded for five days"
    assert line["endpoints"] == ["ops", "pager"]
    counts = (await store.outstanding(0)).deliveries
    assert counts.held > 0
    assert counts.pending == 2
    assert counts.dead + counts.held == 7 * 4
    for name in ("ops", "pager"):
        (claim,) = await store.claim_due(name, 10)
        assert claim.event_type == "endpoint.disabled"
        assert claim.subject == {"about_endpoint": "app"}


@pytest.mark.parametrize("count", [1, 3], ids=["alone", "recorded together with others"])
async def test_the_first_success_after_it_was_disabled_is_notified_too(
    count: int, autojump_clock: MockClock
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=count)
    others = (Subscription("ops", Format.STANDARD, ("endpoint.*",)),)
    gone = Receiver(status=410)
    await run_for(60, Parts(store, gone, clock, others=others).lane())
    await store.claim_due("ops", 1)
    found = await store.recover({"app": "new url", "ops": "mark"}, DAY)

    back = Parts(
        store,
        Receiver(),
        clock,
        others=others,
        health=found.reconciled.health["app"],
        notice="evt_back",
    ).lane()
    with capture_logs() as logs:
        await run_for(60, back)

    assert "endpoint_recovered" in [line["event"] for line in logs]
    types = [claim.event_type for claim in await store.claim_due("ops", 10)]
    assert sorted(types) == ["endpoint.disabled", "endpoint.recovered"]
    assert (await store.recover({"app": "new url", "ops": "mark"}, DAY)).reconciled.health == {}


async def test_trouble_of_our_own_uses_up_no_retry_and_says_nothing_about_the_endpoint(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=20)
    receiver = OutOfDescriptors()

    with capture_logs() as logs:
        await run_for(600, make_lane(store, receiver, clock))

    assert (await store.outstanding(0)).deliveries.delivered == 20
    assert "endpoint_failing" not in [line["event"] for line in logs]
    assert max(at for at, _, _ in receiver.got) < 120


async def test_attempts_that_this_machine_could_not_make_use_up_no_retry(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=1)
    receiver = OutOfDescriptors(answers=[500])

    await run_for(3 * DAY, make_lane(store, receiver, clock))

    assert (await store.outstanding(0)).deliveries.delivered == 1


class OutOfDescriptors(Receiver):
    """Cannot even be tried for a minute."""

    async def send(self, event_id: str, body: bytes) -> Outcome:
        if trio.current_time() < 60:
            await trio.lowlevel.checkpoint()
            return Outcome("resources", detail="Too many open files")
        return await super().send(event_id, body)
