"""A file of an earlier version keeps everything when it is brought up to date."""

import sqlite3
from pathlib import Path

import pytest

from notifier.store import Database, InlineExecutor, Store
from notifier.store.schema import STEPS, VERSION
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
