"""Recording attempts: which records wait for which."""

from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock

from notifier.delivery import AttemptRecorder
from notifier.errors import StoreError
from notifier.metrics import Metrics
from notifier.model.delivery import AttemptRecord, Claim, Delivered, RetryAt, Settlement
from notifier.model.event import NewEvent
from notifier.model.health import Health
from tests.builders import new_event
from tests.delivery.lanes import HEALTHY, NoTemplates
from tests.metrics.samples import values

ATTEMPT = AttemptRecord(0, 0, "some word")


class SlowStore(NoTemplates):
    """Takes a second for each attempt, and one after the other."""

    def __init__(self) -> None:
        self.recorded: list[str] = []
        self.given: list[tuple[object, ...]] = []
        self.broken = False
        self._turn = trio.CapacityLimiter(1)

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None,
    ) -> bool:
        async with self._turn:
            await trio.sleep(1)
            if self.broken:
                raise StoreError("the disk is full")
            self.given.append((claim, attempt, settlement, health, notice))
            self.recorded.append(claim.event_id)
            return True

    async def record_delivered(self, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
        async with self._turn:
            await trio.sleep(1)
            self.recorded += [claim.event_id for claim, _ in made]


def claim(event_id: str) -> Claim:
    return Claim(1, "app", event_id, "video.completed", {}, b"{}", 0.0, 1, 0)


async def record(recorder: AttemptRecorder, event_id: str, settlement: Settlement) -> bool:
    return await recorder.record_attempt(claim(event_id), ATTEMPT, settlement, HEALTHY, None)


@pytest.mark.parametrize("settlement", [Delivered(), RetryAt(9)])
async def test_the_store_gets_the_attempt_and_all_that_follows_from_it(
    autojump_clock: MockClock, settlement: Settlement
) -> None:
    store, notice = SlowStore(), new_event()
    recorder = AttemptRecorder(store, trio.current_time)
    made = claim("a"), ATTEMPT, settlement, HEALTHY, notice
    assert await recorder.record_attempt(*made)
    assert store.given == [made]


async def test_latency_is_the_time_from_record_to_receipt(autojump_clock: MockClock) -> None:
    metrics = Metrics()
    await trio.sleep(30)
    now = trio.current_time()
    made = claim("a")._replace(recorded_at=now - 20)
    recorder = AttemptRecorder(SlowStore(), trio.current_time, metrics)
    await recorder.record_attempt(made, ATTEMPT, Delivered(), HEALTHY, None)
    assert values(metrics)["notifier_delivery_latency_seconds_sum", "app"] == 20


class Keeping(SlowStore):
    """Keeps what a template made."""

    async def keep_rendering(self, claim: Claim, body: bytes) -> None:
        self.given.append((claim, body))


async def test_what_a_template_made_is_kept_with_its_claim() -> None:
    store = Keeping()
    await AttemptRecorder(store, trio.current_time).keep_rendering(claim("a"), b"made")
    assert store.given == [(claim("a"), b"made")]


async def test_a_success_waits_for_one_failure_at_most(autojump_clock: MockClock) -> None:
    store = SlowStore()
    recorder = AttemptRecorder(store, trio.current_time)
    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(record, recorder, f"failure-{number}", RetryAt(0))
        await trio.sleep(0.5)
        nursery.start_soon(record, recorder, "success", Delivered())

    assert store.recorded.index("success") == 1
    assert len(store.recorded) == 41


async def test_successes_that_came_together_are_recorded_together_and_wait_for_one_failure(
    autojump_clock: MockClock,
) -> None:
    store = SlowStore()
    recorder = AttemptRecorder(store, trio.current_time)
    async with trio.open_nursery() as nursery:
        for number in range(40):
            nursery.start_soon(record, recorder, f"failure-{number}", RetryAt(0))
        await trio.sleep(0.5)
        await recorder.record_delivered([(claim("first"), ATTEMPT), (claim("second"), ATTEMPT)])

    assert store.recorded[1:3] == ["first", "second"]


async def test_a_failure_that_cannot_be_recorded_lets_the_next_one_try(
    autojump_clock: MockClock,
) -> None:
    store = SlowStore()
    recorder = AttemptRecorder(store, trio.current_time)
    store.broken = True
    try:
        await record(recorder, "first", RetryAt(0))
    except StoreError:
        store.broken = False
    assert await record(recorder, "second", RetryAt(0))
    assert store.recorded == ["second"]
