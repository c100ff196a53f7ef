"""A lane over days of virtual time."""

from collections.abc import Sequence
from itertools import pairwise
from unittest.mock import DEFAULT, patch

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.delivery import Lane
from notifier.delivery.claims_ahead import MOST_AHEAD
from notifier.delivery.lane import MOST_UNRECORDED
from notifier.errors import StoreError
from notifier.model.delivery import AttemptRecord, Claim, Format, Settlement
from notifier.model.event import NewEvent
from notifier.model.health import Health
from notifier.schedule.clock import Clock
from notifier.store import Store
from tests.builders import memory_store
from tests.delivery.lanes import (
    DAY,
    SCHEDULE,
    NoTemplates,
    Parts,
    Receiver,
    make_lane,
    put,
    run_for,
    steady_clock,
)


async def test_an_endpoint_that_is_down_for_three_days_gets_the_event_when_it_is_back(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store)
    receiver = Receiver(answers=[None, 500, 503, 404, 302, None, 500, 429, 401])

    await run_for(5 * DAY, make_lane(store, receiver, clock))

    times = [at for at, _, _ in receiver.got]
    waits = [later - at for at, later in pairwise(times)]
    assert len(times) == 10
    assert all(
        wait * 0.8 <= waited <= wait * 1.2 + 1
        for wait, waited in zip(SCHEDULE, waits, strict=True)
    )
    assert times[-1] - times[0] > 2.5 * DAY
    assert {(event, body) for _, event, body in receiver.got} == {("evt_0", b"body 0")}
    assert (await store.outstanding(0)).deliveries.delivered == 1


async def test_when_every_attempt_failed_the_delivery_is_a_dead_letter_and_says_why(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store)
    receiver = Receiver(status=500)

    with capture_logs() as logs:
        await run_for(20 * DAY, make_lane(store, receiver, clock))

    assert len(receiver.got) == 10
    assert (await store.outstanding(0)).deliveries.dead == 1
    last = [line for line in logs if line["event"] == "attempt"][-1]
    assert last["dead_letter"] == "attempt 10 of 10 ended with http_500"
    assert (last["log_level"], last["attempt"], last["outcome"]) == ("error", 10, "http_500")
    assert last["video_id"] == "video_0"


async def test_410_stops_at_once_and_holds_what_comes_after(autojump_clock: MockClock) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store)
    receiver = Receiver(status=410)
    lane = make_lane(store, receiver, clock)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        await trio.sleep(10)
        await put(store, count=3, first=10)
        lane.wake()
        await trio.sleep(10 * DAY)
        nursery.cancel_scope.cancel()

    assert len(receiver.got) == 1
    assert (await store.outstanding(0)).deliveries.held == 4


async def test_a_hanging_endpoint_delays_no_other(autojump_clock: MockClock) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, "hangs", "app", count=40)
    hangs, app = Receiver(status=None, takes=15), Receiver()

    await run_for(60, make_lane(store, hangs, clock, "hangs"), make_lane(store, app, clock, "app"))

    assert len(app.got) == 40
    assert max(at for at, _, _ in app.got) - min(at for at, _, _ in app.got) < 1
    assert hangs.most_at_once == 4


async def test_a_lane_keeps_to_its_concurrency_and_never_idles_with_work_due(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=40)
    receiver = Receiver(takes=1)
    began = trio.current_time()

    await run_for(12, make_lane(store, receiver, clock))

    assert receiver.most_at_once == 4
    assert len(receiver.got) == 40
    assert receiver.got[-1][0] - began < 10


async def test_slack_is_sent_one_message_a_second(autojump_clock: MockClock) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=10)
    receiver = Receiver()

    await run_for(60, make_lane(store, receiver, clock, form=Format.SLACK))

    times = [at for at, _, _ in receiver.got]
    gaps = [later - at for at, later in pairwise(times)]
    assert len(times) == 10
    assert min(gaps) >= 1 - 1e-6


async def test_an_event_is_sent_without_delay_when_the_lane_is_woken(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    receiver = Receiver()
    lane = make_lane(store, receiver, clock)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        await trio.sleep(10)
        await put(store)
        lane.wake()
        await trio.sleep(0.001)
        assert len(receiver.got) == 1
        nursery.cancel_scope.cancel()


async def test_an_event_without_a_wakeup_is_found_within_a_minute(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    receiver = Receiver()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(make_lane(store, receiver, clock).run)
        await trio.sleep(10)
        await put(store)
        await trio.sleep(60)
        nursery.cancel_scope.cancel()

    assert len(receiver.got) == 1


async def test_a_stopped_lane_finishes_what_is_in_flight_and_takes_nothing_more(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=10)
    receiver = Receiver(takes=5)
    lane = make_lane(store, receiver, clock)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        await trio.sleep(1)
        lane.stop()

    counts = (await store.outstanding(0)).deliveries
    assert (counts.delivered, counts.pending) == (4, 6)


async def test_a_bug_while_sending_is_a_failed_attempt_of_that_event_alone(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=3)
    receiver = Receiver(answers=[ZeroDivisionError])

    with capture_logs() as logs:
        await run_for(60, make_lane(store, receiver, clock))

    assert (await store.outstanding(0)).deliveries.delivered == 3
    assert [line["event"] for line in logs].count("attempt_crashed") == 1


class RefusingStore(NoTemplates):
    """A store whose disk is full for a while when attempts are recorded."""

    def __init__(self, store: Store, refusals: int) -> None:
        self._store = store
        self._refusals = refusals

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None,
    ) -> bool:
        if self._refusals:
            self._refusals -= 1
            raise StoreError("the disk is full")
        return await self._store.record_attempt(claim, attempt, settlement, health, notice)

    async def record_delivered(self, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
        if self._refusals:
            self._refusals -= 1
            raise StoreError("the disk is full")
        await self._store.record_delivered(made)


async def test_a_2xx_that_cannot_be_recorded_is_recorded_later_and_not_sent_again(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store)
    receiver = Receiver()
    refusing = RefusingStore(store, refusals=5)
    lane = Parts(store, receiver, clock, records=refusing).lane()

    with capture_logs():
        await run_for(DAY, lane)

    assert len(receiver.got) == 1
    assert (await store.outstanding(0)).deliveries.delivered == 1


class Stuck(NoTemplates):
    """A store that records nothing until `go` is set."""

    def __init__(self, real: Store) -> None:
        self._real = real
        self.go = trio.Event()

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None,
    ) -> bool:
        await self.go.wait()
        return await self._real.record_attempt(claim, attempt, settlement, health, notice)

    async def record_delivered(self, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
        await self.go.wait()
        await self._real.record_delivered(made)


async def test_the_next_attempt_waits_for_no_record_but_unrecorded_successes_are_bounded(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=200)
    receiver, records = Receiver(takes=1), Stuck(store)
    lane = Parts(store, receiver, clock, records=records).lane()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        await trio.sleep(300)
        assert MOST_UNRECORDED <= len(receiver.got) < MOST_UNRECORDED + 4
        assert receiver.most_at_once == 4
        records.go.set()
        await trio.sleep(300)
        lane.stop()

    assert len({event for _, event, _ in receiver.got}) == len(receiver.got) == 200
    assert (await store.outstanding(0)).deliveries.delivered == 200


class Counting(NoTemplates):
    """A store that counts the transactions of a lane; a claim `takes` so many seconds."""

    def __init__(self, real: Store) -> None:
        self._real = real
        self.claimed: list[int] = []
        self.recorded: list[int] = []
        self.released: list[str] = []
        self.takes = 0.0

    async def claim_due(self, endpoint: str, limit: int) -> list[Claim]:
        claims = await self._real.claim_due(endpoint, limit)
        await trio.sleep(self.takes)
        self.claimed.append(len(claims))
        return claims

    async def next_due(self, endpoint: str) -> float | None:
        return await self._real.next_due(endpoint)

    async def release(self, claims: Sequence[Claim]) -> None:
        self.released += [claim.event_id for claim in claims]
        await self._real.release(claims)

    async def record_delivered(self, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
        self.recorded.append(len(made))
        await trio.sleep(0.05)
        await self._real.record_delivered(made)

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None,
    ) -> bool:
        return await self._real.record_attempt(claim, attempt, settlement, health, notice)


def counted_lane(store: Counting, receiver: Receiver, clock: Clock) -> Lane:
    parts = Parts(store, receiver, clock)  # type: ignore[arg-type]  # what a lane needs of it
    return parts.lane()


async def test_while_all_goes_well_deliveries_are_claimed_ahead_and_recorded_together(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    real = memory_store(clock)
    store = Counting(real)
    await put(real, count=1000)
    await run_for(60, counted_lane(store, Receiver(takes=0.01), clock))

    assert (await real.outstanding(0)).deliveries.delivered == 1000
    assert sum(store.claimed) == 1000
    assert MOST_AHEAD // 2 < max(store.claimed) <= MOST_AHEAD + 4
    assert len(store.recorded) < 300
    assert store.released == []


async def test_the_first_failure_takes_back_what_was_claimed_ahead_without_a_trace(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    real = memory_store(clock)
    store = Counting(real)
    await put(real, count=500)
    receiver = Receiver(takes=0.01, answers=[*([204] * 200), *([500] * 300)])
    await run_for(3, counted_lane(store, receiver, clock))

    assert len(store.released) > MOST_AHEAD // 2
    assert len(receiver.got) < 220
    untouched = await real.event(store.released[-1])
    assert untouched is not None
    assert (untouched.deliveries[0].state, untouched.deliveries[0].attempts) == ("pending", [])


async def test_a_stopped_lane_takes_back_what_it_claimed_ahead(autojump_clock: MockClock) -> None:
    clock = steady_clock()
    real = memory_store(clock)
    store = Counting(real)
    await put(real, count=1000)
    lane = counted_lane(store, Receiver(takes=0.01), clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run)
        await trio.sleep(1)
        lane.stop()

    assert store.released
    assert await real.release_interrupted() == 0


async def test_410_sends_nothing_that_was_claimed_ahead(autojump_clock: MockClock) -> None:
    clock = steady_clock()
    real = memory_store(clock)
    await put(real, count=500)
    receiver = Receiver(takes=0.01, answers=[*([204] * 200), 410])
    await run_for(60, counted_lane(Counting(real), receiver, clock))

    assert len(receiver.got) <= 208
    assert await real.release_interrupted() == 0


async def test_what_was_claimed_is_sent_although_the_store_fails_right_after(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    store = memory_store(clock)
    await put(store, count=3)
    receiver = Receiver()
    lane = make_lane(store, receiver, clock)
    failures = [StoreError("locked"), None, None, None]
    with patch.object(store, "next_due", side_effect=failures), capture_logs():
        await run_for(60, lane)

    assert len(receiver.got) == 3
    assert (await store.outstanding(0)).deliveries.delivered == 3


async def test_a_stopped_lane_takes_back_its_claims_although_the_store_fails_for_a_while(
    autojump_clock: MockClock,
) -> None:
    clock = steady_clock()
    real = memory_store(clock)
    store = Counting(real)
    await put(real, count=1000)
    lane = counted_lane(store, Receiver(takes=0.01), clock)
    failures = [StoreError("locked"), StoreError("locked"), DEFAULT]
    with patch.object(store, "release", side_effect=failures, wraps=store.release), capture_logs():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lane.run)
            await trio.sleep(1)
            lane.stop()

    assert await real.release_interrupted() == 0
