"""The store's file: private, owned by one process, and never damaged."""

import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from notifier.errors import StoreError, StoreRefusedError
from notifier.model.watch import WatchState
from notifier.store import Database, daemon_is_running, open_reader
from notifier.store.schema import VERSION
from notifier.store.watches import sync
from tests.builders import listing, spec

CONFIG = Path("/somewhere/config.toml")


def test_the_file_is_private_and_so_is_the_folder_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state" / "notifier.db"
    database = Database.open(path, CONFIG)
    try:
        files = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert files == {0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        database.close()


def test_commits_are_synced_in_full_in_wal_mode(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "n.db", CONFIG)

    def settings(db: sqlite3.Connection) -> tuple[object, object]:
        (mode,) = db.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = db.execute("PRAGMA synchronous").fetchone()
        return mode, synchronous

    assert database.transact(settings) == ("wal", 2)
    database.close()


def test_a_second_daemon_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    holder = (
        "import sys; from pathlib import Path; from notifier.store import Database\n"
        f"database = Database.open(Path({str(path)!r}), Path({str(CONFIG)!r}))\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert daemon_is_running(path)
        with pytest.raises(StoreRefusedError, match=rf"pid {process.pid}\b") as refused:
            Database.open(path, CONFIG)
        assert refused.value.exit_code == 1
        process.communicate()
    assert not daemon_is_running(path)
    Database.open(path, CONFIG).close()


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    Database.open(path, CONFIG).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()
    before = path.read_bytes()

    with pytest.raises(StoreRefusedError, match="newer notifier") as refused:
        Database.open(path, CONFIG)

    assert refused.value.exit_code == 78
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    path.write_bytes(b"precious notes " * 1000)
    before = path.read_bytes()

    with pytest.raises(StoreRefusedError, match="not a database"):
        Database.open(path, CONFIG)

    assert path.read_bytes() == before


def test_a_file_in_place_of_the_folder_is_refused_in_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    with pytest.raises(StoreRefusedError, match="file: it is not a folder"):
        Database.open(blocked / "n.db", CONFIG)


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE theirs (x)")
    db.commit()
    db.close()
    before = path.read_bytes()

    with pytest.raises(StoreRefusedError, match="some other program"):
        Database.open(path, CONFIG)

    assert path.read_bytes() == before


def test_a_reader_finds_nothing_in_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    path.touch()
    with open_reader(path) as reader:
        assert reader is None


def test_the_state_of_another_config_is_taken_over_only_when_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    Database.open(path, CONFIG).close()
    other = Path("/elsewhere/config.toml")

    with pytest.raises(StoreRefusedError, match="--adopt") as refused:
        Database.open(path, other)
    assert refused.value.exit_code == 78
    Database.open(path, other, adopt=True).close()
    Database.open(path, other).close()


def test_a_transaction_that_fails_changes_nothing(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "n.db", CONFIG)

    def half(db: sqlite3.Connection) -> None:
        sync(db, [listing(spec())], [], 0)
        db.execute("INSERT INTO nowhere VALUES (1)")

    with pytest.raises(StoreError):
        database.transact(half)
    assert database.transact(sync, [listing()], [], 0) == []
    database.close()


def test_a_reader_sees_what_is_committed_while_the_daemon_runs(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    with open_reader(path) as nothing:
        assert nothing is None
    database = Database.open(path, CONFIG)
    database.transact(sync, [listing(spec())], [], 0)

    with open_reader(path) as reader:
        assert reader is not None
        (view,) = reader.watches()
        assert view.watch.state is WatchState.OPEN
        assert reader.watch(spec().key) == view
        assert reader.watch(spec("other").key) is None
    database.close()


def test_a_reader_refuses_a_newer_schema_as_the_daemon_does(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    Database.open(path, CONFIG).close()
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {VERSION + 1}")
    db.close()

    with pytest.raises(StoreRefusedError, match="newer notifier") as refused, open_reader(path):
        pass

    assert refused.value.exit_code == 78


def test_a_reader_of_a_store_that_is_not_migrated_yet_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    Database.open(path, CONFIG).close()
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {VERSION - 1}")
    db.close()

    with pytest.raises(StoreError, match=r"older notifier: notifier run"), open_reader(path):
        pass


def test_a_log_without_its_database_is_kept(tmp_path: Path) -> None:
    """SQLite deletes a write-ahead log that it finds beside an empty file."""
    path = tmp_path / "n.db"
    log = tmp_path / "n.db-wal"
    log.write_bytes(b"commits" * 1000)

    for _ in range(2):
        with pytest.raises(StoreRefusedError, match=r"n\.db-wal") as refused:
            Database.open(path, CONFIG)
        assert refused.value.exit_code == 1
        assert log.read_bytes() == b"commits" * 1000
        assert not path.exists() or not path.stat().st_size
        path.touch()


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_nothing_is_committed_to_a_file_that_was_taken_away(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    path = folder / "n.db"
    database = Database.open(path, CONFIG)
    database.transact(sync, [listing(spec())], [], 0)
    lost = path.with_name(path.name + suffix)
    lost.rename(tmp_path / "elsewhere")

    with pytest.raises(StoreError, match=re.escape(str(lost))):
        database.transact(sync, [listing()], [], 0)
    lost.touch()
    with pytest.raises(StoreError, match="put it back"):
        database.transact(sync, [listing()], [], 0)

    (tmp_path / "elsewhere").rename(lost)
    assert len(database.transact(sync, [listing(spec())], [], 0)) == 1
    database.close()


def test_a_refused_file_keeps_the_log_that_belongs_to_it(tmp_path: Path) -> None:
    """Closing the last connection would fold the log of a killed daemon into the file."""
    path = tmp_path / "n.db"
    Database.open(path, CONFIG).close()
    newer = (
        "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1])\n"
        f"db.execute('PRAGMA user_version = {VERSION + 1}'); db.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", newer, path], check=True)
    names = [path, path.with_name("n.db-wal")]
    before = [file.read_bytes() for file in names]
    assert all(before)

    with pytest.raises(StoreRefusedError, match="newer notifier"):
        Database.open(path, CONFIG)

    assert [file.read_bytes() for file in names] == before


def test_a_reader_of_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    path.write_bytes(b"precious notes " * 1000)
    with pytest.raises(StoreError, match="cannot be read"), open_reader(path):
        pass


def test_a_lock_file_that_is_a_link_is_not_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / "n.db.lock").symlink_to(precious)
    with pytest.raises(StoreRefusedError):
        Database.open(tmp_path / "n.db", CONFIG)
    assert precious.read_text() == "kept"


def test_a_store_without_its_id_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    Database.open(path, CONFIG).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM meta")
        db.commit()
    with pytest.raises(StoreRefusedError, match="its id is missing"):
        Database.open(path, CONFIG)
