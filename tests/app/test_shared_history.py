"""An instance learns from the jobs that others have followed to their end."""

import pytest
import trio
from trio.testing import MockClock

from notifier.app.shared_history import LOOK, SharedHistory
from notifier.errors import StoreError
from notifier.model.job_sample import JobClass, JobSample
from notifier.schedule.poll_intervals import PollIntervals
from notifier.store import InlineExecutor
from notifier.store import job_samples as sql
from notifier.store.shared_store import SharedStore
from tests.builders import START, memory_database

SORA = JobClass("main", "sora-2", "8", "1280x720")
INTERVALS = PollIntervals(20.0, 5.0)


class Unsteady(SharedStore):
    """A store that can be away."""

    is_away = False

    async def samples_after(
        self, number: int, most: int | None = None
    ) -> tuple[list[JobSample], int]:
        if self.is_away:
            raise StoreError("it is away")
        return await super().samples_after(number, most)


def median(history: SharedHistory) -> float | None:
    return history.of(SORA, INTERVALS).durations.median


async def test_what_others_record_is_learned_and_what_this_one_records_only_once(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    database = memory_database()
    store = Unsteady(database, InlineExecutor(), lambda: START, name="alpha")

    def record(duration: float, times: int) -> None:
        database.transact(sql.add_all, times * [(JobSample(SORA, duration), START)])

    record(10.0, 20)
    history = SharedHistory(*await store.samples_after(0))
    nursery.start_soon(history.keep_learning, store)
    assert median(history) == pytest.approx(10.0, rel=0.1)

    record(100.0, 15)
    for _ in range(15):  # these are its own
        history.learn(JobSample(SORA, 100.0))
    await trio.sleep(3.5 * LOOK)
    assert median(history) == pytest.approx(10.0, rel=0.1)

    store.is_away = True
    record(100.0, 30)
    await trio.sleep(3 * LOOK)
    assert median(history) == pytest.approx(10.0, rel=0.1)
    store.is_away = False
    await trio.sleep(2 * LOOK)
    assert median(history) == pytest.approx(100.0, rel=0.1)
