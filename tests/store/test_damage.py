"""Damaged rows: commands name them, and they do not affect other rows."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notifier.errors import StoreError
from notifier.model.watch import Observation
from notifier.store import Database, open_reader
from notifier.store.watches import save_observations, sync
from tests.builders import listing, snapshot, spec

CONFIG = Path("/somewhere/config.toml")

DAMAGED_SETTINGS = {
    "no JSON": "metadata = 'x{'",
    "another type": "metadata = '[1]'",
    "values that are no text": """metadata = '{"user": 7}'""",
    "no text at all": "metadata = CAST(x'ff7b7d' AS TEXT)",
    "endless nesting": f"metadata = '{'[' * 100_000}'",
    "endpoints that are no list": "endpoints = '7'",
    "an unknown state": "state = 'asleep'",
    "a time that is none": "taken_at = 'yesterday'",
    "a number that is none": "missing_count = 'some'",
    "a patience that is none": "give_up_after = 'long'",
}
DAMAGED_SNAPSHOTS = {
    "no JSON": "snapshot = 'x{'",
    "another type": "snapshot = '[]'",
    "half of it": "snapshot = '{}'",
    "an unknown field": """snapshot = replace(snapshot, '"model"', '"muddle"')""",
    "an unknown status": """snapshot = replace(snapshot, 'in_progress', 'dancing')""",
    "no text at all": "snapshot = CAST(x'ff7b7d' AS TEXT)",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a store with two open watches, `video_1` and `video_2`."""
    path = tmp_path / "n.db"
    database = Database.open(path, CONFIG)
    watches = database.transact(sync, [listing(spec(), spec("video_2"))], [], 0)
    for watch in watches:
        database.transact(
            save_observations, [Observation(watch.row, snapshot(progress=40), None, 0)]
        )
    database.close()
    return path


def damage(path: Path, change: str) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA ignore_check_constraints = ON")
    statement = f"UPDATE watches SET {change} WHERE video_id = 'video_1'"  # noqa: S608 - from above
    db.execute(statement)
    db.commit()
    db.close()


def reopened(path: Path, question: Callable[[Database], None]) -> list[str]:
    """Ask `question` of the store as a daemon would open it; return what it logs."""
    database = Database.open(path, CONFIG)
    try:
        with capture_logs() as logs:
            question(database)
    finally:
        database.close()
    return [f"{line['event']} {line['gateway']}/{line['video_id']}" for line in logs]


@pytest.mark.parametrize("change", DAMAGED_SETTINGS.values(), ids=DAMAGED_SETTINGS)
def test_a_damaged_watch_does_not_stop_the_others(change: str, path: Path) -> None:
    damage(path, change)

    def open_watches(database: Database) -> None:
        # the source is neither listed nor gone: its file is broken at the moment
        watches = database.transact(sync, [], [], 0)
        assert [watch.key.video_id for watch in watches] == ["video_2"]

    logged = reopened(path, open_watches)
    assert logged == ([] if "state" in change else ["watch_unreadable main/video_1"])


@pytest.mark.parametrize("setting", ["no JSON", "another type", "no text at all"])
def test_a_file_that_lists_a_watch_repairs_its_damaged_settings(setting: str, path: Path) -> None:
    damage(path, DAMAGED_SETTINGS[setting])

    def open_watches(database: Database) -> None:
        wanted = [spec(metadata={"user": "7"}), spec("video_2")]
        watches = database.transact(sync, [listing(*wanted)], [], 0)
        assert [watch.spec for watch in watches] == wanted

    assert reopened(path, open_watches) == []


@pytest.mark.parametrize("change", DAMAGED_SNAPSHOTS.values(), ids=DAMAGED_SNAPSHOTS)
def test_a_damaged_snapshot_is_dropped_and_its_watch_goes_on(change: str, path: Path) -> None:
    damage(path, change)

    def open_watches(database: Database) -> None:
        first, second = database.transact(sync, [], [], 0)
        assert (first.key.video_id, first.snapshot) == ("video_1", None)
        assert second.snapshot == snapshot(progress=40)

    assert reopened(path, open_watches) == ["snapshot_unreadable main/video_1"]


@pytest.mark.parametrize(
    "change",
    [*DAMAGED_SETTINGS.values(), *DAMAGED_SNAPSHOTS.values()],
    ids=[f"settings: {name}" for name in DAMAGED_SETTINGS]
    + [f"snapshot: {name}" for name in DAMAGED_SNAPSHOTS],
)
def test_a_command_names_the_damaged_watch(change: str, path: Path) -> None:
    damage(path, change)
    with open_reader(path) as reader:
        assert reader is not None
        with pytest.raises(StoreError, match="main/video_1") as refused:
            reader.watches()
        assert "\n" not in str(refused.value)
