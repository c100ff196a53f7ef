"""Job samples: the newest of each class are kept, within bounds."""

import sqlite3

import pytest
from structlog.testing import capture_logs

from notifier.model.job_sample import JobClass, JobSample
from notifier.store import Database, InlineExecutor, Store
from notifier.store import job_samples as sql
from notifier.store.connection import Connection
from notifier.store.engine import Engine
from notifier.store.shared_store import SharedStore
from tests.builders import START, listing, memory_database, new_event, snapshot, spec

pytestmark = pytest.mark.usefixtures("each_engine")

SORA = JobClass("main", "sora-2", "8", "1280x720")
SAMPLE = JobSample(SORA, 123.5, 2.5, 7, ((0.0, 0), (60.5, 50)))


def store_in(database: Engine) -> Store:
    return Store(database, InlineExecutor(), lambda: START)


def add(database: Engine, sample: JobSample) -> None:
    database.transact(sql.add_all, [(sample, START)])


async def test_a_sample_is_committed_with_the_ending_of_its_job() -> None:
    store = store_in(memory_database())
    (watch,) = await store.sync_watches([listing(spec())], [])

    assert await store.record_ending(watch.row, new_event(), snapshot(), sample=SAMPLE)
    assert not await store.record_ending(watch.row, new_event("evt_2"), snapshot(), sample=SAMPLE)

    assert await store.samples() == [SAMPLE]


async def test_the_newest_150_of_a_class_are_kept_oldest_first() -> None:
    database = memory_database()
    other = JobSample(JobClass("main"), 1.0)
    add(database, other)
    for number in range(200):
        add(database, JobSample(SORA, float(number)))

    found = await store_in(database).samples()
    assert found[0] == other
    assert [sample.duration for sample in found[1:]] == [float(n) for n in range(50, 200)]


async def test_of_a_thousand_classes_the_one_unused_for_the_longest_goes() -> None:
    database = memory_database()
    for number in range(1000):
        add(database, JobSample(JobClass("main", f"model {number}"), 1.0))
    add(database, JobSample(JobClass("main", "model 0"), 2.0))
    add(database, JobSample(JobClass("main", "one more"), 3.0))

    models = {sample.job_class.model for sample in await store_in(database).samples()}
    assert len(models) == 1000
    assert "model 0" in models
    assert "model 1" not in models


async def test_a_damaged_sample_is_left_out_and_logged() -> None:
    database = memory_database()
    for _ in range(3):
        add(database, SAMPLE)

    def damage(db: Connection) -> None:
        db.execute("UPDATE job_samples SET readings = '[' WHERE id = 1")
        db.execute("UPDATE job_samples SET readings = '[[0.0, 101]]' WHERE id = 2")

    database.transact(damage)
    with capture_logs() as logs:
        assert await store_in(database).samples() == [SAMPLE]
    assert [(line["event"], line["count"]) for line in logs] == [("job_samples_damaged", 2)]


async def test_a_sample_with_values_of_another_type_in_the_file_is_left_out_as_well() -> None:
    database = Database.in_memory()
    for _ in range(3):
        add(database, SAMPLE)

    def damage(db: sqlite3.Connection) -> None:
        db.execute("UPDATE job_samples SET duration = 'long' WHERE id = 1")
        db.execute("UPDATE job_samples SET model = x'ff' WHERE id = 2")

    database.transact(damage)
    assert await store_in(database).samples() == [SAMPLE]
    database.close()


async def test_what_is_new_is_read_after_what_is_known_the_newest_if_it_is_much() -> None:
    database = memory_database()
    store = SharedStore(database, InlineExecutor(), lambda: START, name="alpha")
    assert await store.samples_after(0) == ([], 0)
    for number in range(3):
        add(database, JobSample(SORA, float(number)))
    found, newest = await store.samples_after(0)
    assert [sample.duration for sample in found] == [0.0, 1.0, 2.0]
    assert await store.samples_after(newest) == ([], newest)

    for number in range(3, 9):
        add(database, JobSample(SORA, float(number)))
    found, last = await store.samples_after(newest, 2)
    assert [sample.duration for sample in found] == [7.0, 8.0]
    assert await store.samples_after(last) == ([], last)
