"""A file of an earlier version keeps everything when it is brought up to date."""

import sqlite3
from pathlib import Path

import pytest

from notifier.store import Database, InlineExecutor, Store
from notifier.store.schema import VERSION
from notifier.store.steps import STEPS
from tests.builders import START

BEFORE = """
INSERT INTO watches
    (id, gateway, video_id, generation, state, metadata, taken_at, closed_at)
    VALUES (1, 'main', 'video_1', 1, 'ended', '{}', 1760000000, 1760000000);
INSERT INTO events VALUES ('evt_1', 1, 'video.lost', 1760000000);
INSERT INTO bodies VALUES ('evt_1', 'standard', x'7b7d');
INSERT INTO deliveries (event, endpoint, format, due_at) VALUES
    ('evt_1', 'app', 'standard', 1760000000), ('evt_1', 'gone', 'standard', 1760000000);
INSERT INTO disabled_endpoints VALUES ('gone', '410 Gone', 1760000000, 'mark');
PRAGMA user_version = 1;
"""


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    path = tmp_path / "notifier.db"
    db = sqlite3.connect(path, isolation_level=None)
    for statement in STEPS[0]:
        db.execute(statement)
    db.executescript(BEFORE)
    db.close()
    return path


async def test_a_file_of_the_first_version_is_taken_over_whole(old_file: Path) -> None:
    database = Database.open(old_file, Path("/config.toml"))
    store = Store(database, InlineExecutor(), lambda: START)
    try:
        (claim,) = await store.claim_due("app", 10)
        assert (claim.event_id, claim.body, claim.failures) == ("evt_1", b"{}", 0)
        assert claim.subject == {"gateway": "main", "video_id": "video_1"}
        assert await store.claim_due("gone", 10) == []
        found = await store.recover({"app": "mark", "gone": "mark"}, 60)
        assert found.disabled == {"gone": "410 Gone"}
        assert await store.samples() == []
    finally:
        await store.close()


async def test_events_and_open_watches_of_an_older_file_keep_their_identity(
    old_file: Path,
) -> None:
    db = sqlite3.connect(old_file)
    db.execute(
        "INSERT INTO watches (id, gateway, video_id, generation, state, metadata, taken_at)"
        " VALUES (7, 'main', 'video_2', 2, 'open', '{}', 1760000000.5)"
    )
    db.execute("INSERT INTO listings VALUES ('a.toml', 'main', 'video_2')")
    db.execute("UPDATE deliveries SET in_flight = 4, attempts = 1 WHERE endpoint = 'app'")
    db.execute("INSERT INTO attempts (id, delivery, number, started_at) VALUES (4, 1, 1, 176)")
    db.commit()
    db.close()
    database = Database.open(old_file, Path("/config.toml"))
    store = Store(database, InlineExecutor(), lambda: START)
    try:
        assert len(database.store_id) == 32
        (watch,) = await store.sync_watches([], [])
        assert (watch.row, watch.first_taken_ms) == (7, 1_760_000_000_500)
        event = await store.event("evt_1")
        assert event is not None
        assert event.deliveries[0].attempts[0].outcome is None
        assert await store.release_interrupted() == 1
        event = await store.event("evt_1")
        assert event is not None
        assert event.deliveries[0].attempts[0].outcome == "interrupted"
    finally:
        await store.close()
    again = Database.open(old_file, Path("/config.toml"))
    assert again.store_id == database.store_id
    again.close()


def test_references_hold_after_the_tables_were_made_anew(old_file: Path) -> None:
    database = Database.open(old_file, Path("/config.toml"))
    try:
        assert database.transact(_check) == (VERSION, 1, [])
    finally:
        database.close()


def _check(db: sqlite3.Connection) -> tuple[int, int, list[object]]:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (enforced,) = db.execute("PRAGMA foreign_keys").fetchone()
    return version, enforced, db.execute("PRAGMA foreign_key_check").fetchall()
