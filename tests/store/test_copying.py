"""The state in a file is copied to PostgreSQL, all of it or nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from notifier.errors import StoreError, StoreRefusedError
from notifier.model.delivery import AttemptRecord, RetryAt
from notifier.model.follow_up import FollowUpPlan
from notifier.model.health import Health
from notifier.model.job_sample import JobClass, JobSample
from notifier.model.watch import Callback
from notifier.store import Database, InlineExecutor, Store
from notifier.store.postgres.copying import copy, count_rows
from notifier.store.postgres.database import PostgresDatabase
from notifier.store.queries import EventFilter, WatchFilter
from tests.builders import START, Time, listing, new_event, snapshot, spec
from tests.postgres import Server

SAMPLE = JobSample(JobClass("main", "sora-2", "8", "1280x720"), 123.5, 2.5, 7, ((0.0, 0),))


@pytest.fixture
def url(server: Server) -> str:
    return server.new_url()


@pytest.fixture
async def file(tmp_path: Path) -> sqlite3.Connection:
    """Fill a store with a bit of everything; return what reads its file."""
    path = tmp_path / "n.db"
    store = Store(Database.open(path, tmp_path / "config.toml"), InlineExecutor(), Time())
    await store.recover({"app": "mark", "app@callback": "mark"}, 60.0)
    watches = await store.sync_watches([listing(spec("a"), spec("b", metadata={"x": "视频"}))], [])
    await store.record_ending(
        watches[0].row,
        new_event("evt_1", body=b"\x00\xff raw"),
        snapshot(),
        sample=SAMPLE,
        plan=FollowUpPlan(START + 60, archive=True),
    )
    (claim,) = await store.claim_due("app", 1)
    failed = AttemptRecord(START, 12, "http_500", 500)
    health = Health("mark", START, START)
    await store.record_attempt(claim, failed, RetryAt(START + 5), health)
    callback = Callback("https://c.example/", "app")
    watch, _ = await store.add_watch(spec("c"), again=False, callback=callback)
    await store.record_ending(watch.row, new_event("evt_2", endpoints=()), snapshot())
    await store.close()
    return sqlite3.connect(path)


@pytest.fixture
def opened(file: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    with closing(file):
        yield file


def on(url: str) -> Store:
    return Store(PostgresDatabase(lambda: url), InlineExecutor(), Time(START + 10))


async def test_what_was_copied_goes_on_as_it_was(opened: sqlite3.Connection, url: str) -> None:
    reported: list[int] = []
    tables = copy(opened, lambda: url, reported.append)
    assert sum(reported) == 2 * count_rows(opened) == 2 * sum(table.rows for table in tables)

    store = on(url)
    (kept,) = opened.execute("SELECT value FROM meta WHERE key = 'store_id'").fetchone()
    assert store.id == kept
    assert {view.watch.key.video_id for view in await store.watches(WatchFilter())} == set("abc")
    assert {event.id for event in await store.events(EventFilter())} == {"evt_1", "evt_2"}
    (claim,) = await store.claim_due("app", 9)
    assert (claim.attempt, claim.failures, claim.body) == (2, 1, b"\x00\xff raw")
    added, _ = await store.add_watch(spec("d"), again=False)
    assert added.row == 4
    await store.close()


async def test_a_database_that_is_not_empty_is_refused(
    opened: sqlite3.Connection, url: str
) -> None:
    store = on(url)
    await store.add_watch(spec("z"), again=False)
    await store.close()
    with pytest.raises(StoreRefusedError, match="not empty, it has rows in watches"):
        copy(opened, lambda: url, lambda _: None)


async def test_what_cannot_be_copied_leaves_the_database_empty(
    opened: sqlite3.Connection, url: str
) -> None:
    opened.execute("UPDATE attempts SET detail = 'a' || char(0)")
    with pytest.raises(StoreError, match="attempts cannot be copied"):
        copy(opened, lambda: url, lambda _: None)
    opened.execute("UPDATE attempts SET detail = ''")
    copy(opened, lambda: url, lambda _: None)
