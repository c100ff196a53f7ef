"""Observations on their way into the store: many at once, of each watch the latest."""

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

    async def save_observations(self, observations: Sequence[Observation]) -> None:
        await trio.sleep(1)
        if self.refusals:
            self.refusals -= 1
            raise StoreError("the disk is full")
        if self.poison in {one.row for one in observations}:
            raise TypeError
        saved = [
            (one.row, one.snapshot.progress if one.snapshot else None) for one in observations
        ]
        self.calls.append(saved)


def observation(row: int, progress: int) -> Observation:
    return Observation(row, snapshot(progress=progress), None, 0)


def written_to(store: Store, nursery: trio.Nursery) -> SnapshotWriter:
    """Return a writer that runs for as long as the test lasts."""
    writer = SnapshotWriter(store)
    nursery.start_soon(writer.run)
    return writer


async def test_a_lone_observation_is_written_at_once(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store()
    writer = written_to(store, nursery)
    await wait_all_tasks_blocked()
    writer.keep(observation(1, 10))
    await trio.sleep(1.5)
    assert store.calls == [[(1, 10)]]


async def test_what_comes_while_the_store_is_at_work_is_written_together_and_once(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store()
    writer = written_to(store, nursery)
    writer.keep(observation(1, 10))
    await trio.sleep(0.5)
    for progress in (20, 30):
        writer.keep(observation(1, progress))
        writer.keep(observation(2, progress))
    await trio.sleep(5)
    assert store.calls == [[(1, 10)], [(1, 30), (2, 30)]]


async def test_what_comes_soon_after_a_write_waits_half_a_second_and_shares_the_next(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store()
    writer = written_to(store, nursery)
    await trio.sleep(1)
    writer.keep(observation(1, 10))
    await trio.sleep(1)  # it is written
    for row in range(4):
        await trio.sleep(0.1)
        writer.keep(observation(row, 20))
    await trio.sleep(1.2)
    assert store.calls == [[(1, 10)], [(row, 20) for row in range(4)]]


async def test_very_many_readings_do_not_keep_others_from_the_store_for_long(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store()
    writer = SnapshotWriter(store)
    for row in range(1200):
        writer.keep(observation(row, 10))
    nursery.start_soon(writer.run)
    await trio.sleep(10)
    assert [len(call) for call in store.calls] == [500, 500, 200]


async def test_what_the_store_refused_is_kept_and_tried_again(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store(refusals=3)
    writer = written_to(store, nursery)
    writer.keep(observation(1, 10))
    with capture_logs() as logs:
        await trio.sleep(30)
    assert store.calls == [[(1, 10)]]
    assert [line["event"] for line in logs] == 3 * ["readings_wait_for_store"]


async def test_the_store_is_not_asked_again_and_again_while_it_refuses(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store(refusals=10_000)
    writer = written_to(store, nursery)
    with capture_logs() as logs:
        for second in range(600):
            writer.keep(observation(1, second % 100))
            await trio.sleep(1)
    assert len(logs) < 30


async def test_one_that_cannot_be_stored_keeps_no_other_from_it(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    store = Store(poison=7)
    writer = written_to(store, nursery)
    with capture_logs():
        for row in range(100):
            writer.keep(observation(row, 10))
        await trio.sleep(600)
        writer.keep(observation(200, 10))
        await trio.sleep(60)
    stored = {row for call in store.calls for row, _ in call}
    assert stored == {*range(100), 200} - {7}


async def test_the_last_flush_writes_what_is_left_or_says_that_it_did_not(
    autojump_clock: MockClock,
) -> None:
    store = Store(refusals=1)
    writer = SnapshotWriter(store)
    writer.keep(observation(1, 10))
    with capture_logs() as logs:
        await writer.flush()
    assert [line["event"] for line in logs] == ["readings_not_saved"]
    await writer.flush()
    assert store.calls == [[(1, 10)]]
