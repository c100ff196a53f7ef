"""Backup and restore: one sound file, and a replaced state that is never lost."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from notifier.errors import StoreError, StoreRefusedError
from notifier.store import Database, back_up, open_reader, restore
from notifier.store.creation import made_aside
from notifier.store.lock import FileLock
from notifier.store.schema import migrate
from notifier.store.watches import sync
from tests.builders import listing, spec
from tests.store.test_creation import make_old

CONFIG = Path("/somewhere/config.toml")


def videos(path: Path) -> list[str]:
    with open_reader(path) as reader:
        assert reader is not None
        return [view.watch.key.video_id for view in reader.watches()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a store that no daemon has open, with one watch."""
    path = tmp_path / "state" / "n.db"
    database = Database.open(path, CONFIG)
    database.transact(sync, [listing(spec("first"))], [], 0)
    database.close()
    return path


@pytest.fixture
def running(path: Path) -> Iterator[Database]:
    database = Database.open(path, CONFIG)
    yield database
    database.close()


def names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


def test_a_backup_beside_a_daemon_is_one_private_sound_file(
    path: Path, running: Database, tmp_path: Path
) -> None:
    running.transact(sync, [listing(spec("first"), spec("second"))], [], 0)
    target = tmp_path / "copies" / "n.backup"
    target.parent.mkdir()

    assert back_up(path, target) == target.stat().st_size
    running.transact(sync, [listing(spec("third"))], [], 0)

    assert names(target.parent) == {"n.backup"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert videos(target) == ["first", "second"]


def test_a_backup_is_put_back_and_what_it_replaces_is_kept(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "n.backup"
    back_up(path, target)
    before = target.read_bytes()
    database = Database.open(path, CONFIG)
    store_id = database.store_id
    database.transact(sync, [listing(spec("later"))], [], 0)
    database.close()

    kept = restore(path, target)

    assert kept is not None
    assert kept.parent == path.parent
    assert (videos(path), videos(kept)) == (["first"], ["first", "later"])
    assert target.read_bytes() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = Database.open(path, CONFIG)
    assert again.store_id == store_id
    again.close()


def test_the_log_of_a_killed_daemon_is_kept_with_its_database(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "n.backup"
    back_up(path, target)
    die_with_a_log(path)
    assert path.with_name("n.db-wal").stat().st_size

    kept = restore(path, target)

    assert kept is not None
    assert videos(path) == ["first"]
    assert videos(kept) == ["first", "in the log"]


def test_a_store_behind_a_link_is_backed_up_and_restored(path: Path, tmp_path: Path) -> None:
    link, target = tmp_path / "linked.db", tmp_path / "n.backup"
    link.symlink_to(path)
    back_up(link, target)
    die_with_a_log(link)

    kept = restore(link, target)

    assert kept is not None
    assert kept.parent == path.parent
    assert link.is_symlink()
    assert (videos(path), videos(kept)) == (["first"], ["first", "in the log"])
    with closing(Database.open(link, CONFIG)), pytest.raises(StoreRefusedError):
        Database.open(path, CONFIG)


def die_with_a_log(path: Path) -> None:
    dying = (
        "import os, sys; from pathlib import Path; from notifier.store import Database\n"
        "from notifier.store.watches import sync; from tests.builders import listing, spec\n"
        "database = Database.open(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "database.transact(sync, [listing(spec('first'), spec('in the log'))], [], 0)\n"
        "os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", dying, path, CONFIG], check=True)


def test_a_store_that_is_missing_is_restored(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "n.backup"
    back_up(path, target)
    elsewhere = tmp_path / "new" / "n.db"
    assert restore(elsewhere, target) is None
    assert videos(elsewhere) == ["first"]


def test_nothing_is_restored_while_a_daemon_runs(
    path: Path, running: Database, tmp_path: Path
) -> None:
    target = tmp_path / "n.backup"
    back_up(path, target)
    with pytest.raises(StoreRefusedError, match="stop it first"):
        restore(path, target)
    running.transact(sync, [listing(spec("second"))], [], 0)
    assert names(path.parent) == {"n.db", "n.db-wal", "n.db-shm", "n.db.lock"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "does not exist"),
        (b"", "holds no store"),
        (b"precious notes " * 1000, "not a database"),
        (b"short", "too short"),
    ],
)
def test_what_is_no_backup_changes_nothing(
    content: bytes | None, reason: str, path: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    if content is not None:
        source.write_bytes(content)
    before, state = path.read_bytes(), names(path.parent)
    with pytest.raises(StoreError, match=reason):
        restore(path, source)
    assert (path.read_bytes(), names(path.parent)) == (before, state)


def test_what_cannot_be_restored_is_called_by_its_name(path: Path, tmp_path: Path) -> None:
    text, pipe = tmp_path / "config.toml", tmp_path / "pipe"
    text.write_text("x = 1\n" * 200)
    os.mkfifo(pipe)
    for source, reason in (
        (text, f"{text} cannot be read: file is not a database"),
        (tmp_path, f"{tmp_path} is not a file"),
        (pipe, f"{pipe} is not a file"),
    ):
        with pytest.raises(StoreError, match=re.escape(reason)):
            restore(path, source)


def test_a_damaged_backup_changes_nothing(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "n.backup"
    back_up(path, target)
    content = bytearray(target.read_bytes())
    content[4096 * 3 : 4096 * 6] = os.urandom(4096 * 3)
    target.write_bytes(content)
    before, state = path.read_bytes(), names(path.parent)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        restore(path, target)
    assert (path.read_bytes(), names(path.parent)) == (before, state)


def test_a_damaged_store_gives_no_backup(path: Path, tmp_path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 6] = os.urandom(4096 * 3)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        back_up(path, tmp_path / "n.backup")
    assert names(tmp_path) == {"state"}


def test_a_file_that_exists_is_replaced_only_when_asked_to(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "n.backup"
    target.write_text("precious")
    with pytest.raises(StoreError, match="--force"):
        back_up(path, target)
    assert target.read_text() == "precious"
    back_up(path, target, replace=True)
    assert videos(target) == ["first"]


def test_two_backups_to_one_file_do_not_mix(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "n.backup"
    with made_aside(target, ".incomplete") as first:
        with pytest.raises(StoreRefusedError, match="another process is writing"):
            back_up(path, target)
        migrate(first)
    assert names(tmp_path) == {"state", "n.backup"}
    back_up(path, target, replace=True)
    assert videos(target) == ["first"]


def test_what_a_killed_backup_left_is_replaced(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "n.backup"
    for ending in (".incomplete", ".incomplete-journal"):
        (tmp_path / f"n.backup{ending}").write_bytes(b"half")
    back_up(path, target)
    assert names(tmp_path) == {"state", "n.backup"}
    assert videos(target) == ["first"]


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", ".lock"])
def test_the_store_itself_is_neither_target_nor_source(ending: str, path: Path) -> None:
    same = path.parent / ".." / "state" / f"n.db{ending}"
    with pytest.raises(StoreError, match="belongs to the store itself"):
        back_up(path, same, replace=True)
    with pytest.raises(StoreError, match="belongs to the store itself"):
        restore(path, same)


def test_an_older_store_is_backed_up_and_restored_as_it_is(tmp_path: Path) -> None:
    path, target = tmp_path / "n.db", tmp_path / "n.backup"
    make_old(path, 5)
    back_up(path, target)
    restore(path, target)
    database = Database.open(path, CONFIG)
    database.close()


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_a_restore_that_was_killed_is_no_empty_store_and_can_be_repeated(
    moved: int, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "n.backup"
    back_up(path, target)
    die_with_a_log(path)
    rename, left = Path.rename, [moved]

    def dying(self: Path, goal: Path) -> Path:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return rename(self, goal)

    monkeypatch.setattr(Path, "rename", dying)
    with pytest.raises(KeyboardInterrupt):
        restore(path, target)
    monkeypatch.undo()

    with pytest.raises(StoreRefusedError, match=r"restoring .* was interrupted"):
        Database.open(path, CONFIG)
    kept = restore(path, target)
    assert kept is not None
    assert (videos(path), videos(kept)) == (["first"], ["first", "in the log"])


def test_a_deleted_lock_file_lets_no_second_daemon_in(path: Path) -> None:
    """FIELD S12; in another process, as closing a file here would cost SQLite its locks."""
    holder = (
        "import sys; from pathlib import Path; from notifier.store import Database\n"
        "database = Database.open(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, path, CONFIG], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        path.with_name("n.db.lock").unlink()
        with pytest.raises(StoreRefusedError, match="already running"):
            Database.open(path, CONFIG)
        with pytest.raises(StoreRefusedError, match="already running"):
            restore(path, path.with_name("whatever"))
        process.communicate()
    Database.open(path, CONFIG).close()


def test_where_both_kinds_of_lock_are_one_only_the_lock_file_counts(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.store.lock.locks_are_shared", lambda _: True)
    with capture_logs() as logs:
        database = Database.open(path, CONFIG)
    assert [line["event"] for line in logs] == ["database_not_locked"]
    database.transact(sync, [listing(spec("second"))], [], 0)
    database.close()
    lock = FileLock(path.with_name("n.db.lock"))
    lock.acquire()
    with pytest.raises(StoreRefusedError, match="already running"):
        Database.open(path, CONFIG)
    lock.release()


def test_the_databases_lock_is_none_that_sqlite_meets(path: Path, running: Database) -> None:
    writing = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1], timeout=0)\n"
        "db.execute('BEGIN IMMEDIATE'); db.execute('ROLLBACK')"
    )
    subprocess.run([sys.executable, "-c", writing, path], check=True)
    assert running.transact(_watches) == 1


def _watches(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM watches").fetchone()[0])


def test_a_reader_that_is_connected_at_the_start_does_not_count_as_a_shared_lock(
    path: Path,
) -> None:
    reading = (
        "import sqlite3, sys; db = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True)\n"
        "db.execute('SELECT count(*) FROM watches').fetchall()\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", reading, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with capture_logs() as logs:
            Database.open(path, CONFIG).close()
        process.communicate()
    assert logs == []
