"""Readings on their way into the store: many at once, of each watch the latest."""

from collections.abc import Sequence

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock, wait_all_tasks_blocked

from notifier.errors import StoreError
from notifier.model.watch import Observation
from notifier.polling import SnapshotWriter
from tests.builders import snapshot


class Store:
    """Takes a second for each call, and refuses the first `refusals`, and those with `poison`."""

    def __init__(self, refusals: int = 0, poison: int | None = None) -> None:
        self.refusals = refusals
        self.poison = poison
        self.calls: list[list[tuple[int, int | None]]] = []

    async def save_observations(self, readings: Sequence[Observation]) -> None:
        await trio.sleep(1)
        if self.refusals:
            self.refusals -= 1
            raise StoreError("the disk is full")
        if self.poison in {one.row for one in readings}:
            raise TypeError
        told = [(one.row, one.snapshot.progress if one.snapshot else None) for one in readings]
        self.calls.append(told)


def reading(row: int, progress: int) -> Observation:
    return Observation(row, snapshot(progress=progress), None, 0)


def written_to(store: Store, nursery: trio.Nursery) -> SnapshotWriter:
    """Return readings that are written for as long as the test lasts."""
    readings = SnapshotWriter(store)
    nursery.start_soon(readings.run)
    return readings


async def test_a_lone_reading_is_written_at_once(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store()
    readings = written_to(store, nursery)
    await wait_all_tasks_blocked()
    readings.keep(reading(1, 10))
    await trio.sleep(1.5)
    assert store.calls == [[(1, 10)]]


async def test_what_comes_while_the_store_is_at_work_is_written_together_and_once(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store()
    readings = written_to(store, nursery)
    readings.keep(reading(1, 10))
    await trio.sleep(0.5)
    for progress in (20, 30):
        readings.keep(reading(1, progress))
        readings.keep(reading(2, progress))
    await trio.sleep(5)
    assert store.calls == [[(1, 10)], [(1, 30), (2, 30)]]


async def test_very_many_readings_do_not_keep_others_from_the_store_for_long(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store()
    readings = SnapshotWriter(store)
    for row in range(1200):
        readings.keep(reading(row, 10))
    nursery.start_soon(readings.run)
    await trio.sleep(10)
    assert [len(call) for call in store.calls] == [500, 500, 200]


async def test_what_the_store_refused_is_kept_and_tried_again(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store(refusals=3)
    readings = written_to(store, nursery)
    readings.keep(reading(1, 10))
    with capture_logs() as logs:
        await trio.sleep(30)
    assert store.calls == [[(1, 10)]]
    assert [line["event"] for line in logs] == 3 * ["readings_wait_for_store"]


async def test_the_store_is_not_asked_again_and_again_while_it_refuses(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store(refusals=10_000)
    readings = written_to(store, nursery)
    with capture_logs() as logs:
        for second in range(600):
            readings.keep(reading(1, second % 100))
            await trio.sleep(1)
    assert len(logs) < 30


async def test_one_that_cannot_be_stored_keeps_no_other_from_it(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store(poison=7)
    readings = written_to(store, nursery)
    with capture_logs():
        for row in range(100):
            readings.keep(reading(row, 10))
        await trio.sleep(600)
        readings.keep(reading(200, 10))
        await trio.sleep(60)
    stored = {row for call in store.calls for row, _ in call}
    assert stored == {*range(100), 200} - {7}


async def test_the_last_flush_writes_what_is_left_or_says_that_it_did_not(
    autojump_clock: MockClock,
) -> None:
    store = Store(refusals=1)
    readings = SnapshotWriter(store)
    readings.keep(reading(1, 10))
    with capture_logs() as logs:
        await readings.flush()
    assert [line["event"] for line in logs] == ["readings_not_saved"]
    await readings.flush()
    assert store.calls == [[(1, 10)]]
