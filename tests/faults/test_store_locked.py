"""Another process holds the store's write lock, as a backup or a sqlite3 shell may do.

`NOTIFIER_TEST_LOCK_SECONDS=60 pytest tests/faults/test_store_locked.py` holds it for a minute.
"""

import os
import sqlite3
from pathlib import Path

import pytest
import trio

from notifier.errors import StoreRefusedError
from notifier.store import Database, open_reader
from notifier.store.inspection import BUSY_SECONDS
from tests.faults.jobs import begin, finish
from tests.process.harness import eventually, running, world

LOCKED_FOR = float(os.environ.get("NOTIFIER_TEST_LOCK_SECONDS", BUSY_SECONDS + 2))


def lock(path: Path) -> sqlite3.Connection:
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    return blocker


async def test_a_locked_store_delays_an_ending_and_its_delivery_and_loses_neither(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("poll")
            blocker = lock(w.store_path)
            unlock_at = trio.current_time() + LOCKED_FOR
            finish(w, "job")
            await daemon.wait_for_log("poller_waits_for_store")
            (error, *_) = daemon.logs("poller_waits_for_store")
            assert "locked" in error["reason"]
            await trio.sleep_until(unlock_at)  # the length of the lock is what is tested
            assert app.got == []
            blocker.close()

            await app.wait_for(1)
            await eventually(lambda: bool(daemon.logs("attempt")), "the record")
            assert await daemon.end() == 0
        assert [got.event["data"]["id"] for got in app.got] == ["job"]


def test_a_store_that_stays_locked_refuses_the_start_and_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.store.database.BUSY_SECONDS", 0.1)
    path, config = tmp_path / "n.db", tmp_path / "config.toml"
    Database.open(path, config).close()
    blocker = lock(path)

    with pytest.raises(StoreRefusedError, match="as the store: database is locked") as refused:
        Database.open(path, config)
    with open_reader(path) as reader:
        assert reader is not None
        assert reader.watches() == []

    blocker.close()
    assert refused.value.exit_code == 1
    Database.open(path, config).close()
