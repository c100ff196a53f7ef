"""A store appears whole at its path, and a migration shows the old store or the new one."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notifier.errors import StoreError, StoreRefusedError
from notifier.store import Database, open_reader, schema
from notifier.store.creation import create
from notifier.store.lock import FileLock
from notifier.store.schema import VERSION
from notifier.store.steps import STEPS
from notifier.store.steps.log_mark import LOG_MARK
from notifier.store.write_ahead_log import mark_migration

CONFIG = Path("/somewhere/config.toml")

READERS = """
import sys
from pathlib import Path
from notifier.errors import StoreError
from notifier.store import open_reader

print("ready", flush=True)
for name in sys.argv[1:]:
    answers = 0
    while answers < 3:
        try:
            with open_reader(Path(name)) as reader:
                if reader is not None:
                    reader.watches(), reader.endpoint_views()
                    answers += 1
        except StoreError as error:
            if "older notifier" not in str(error):
                raise
"""


@contextmanager
def readers(paths: list[Path]) -> Iterator[None]:
    """Run two processes that read each of `paths` in a tight loop until it answers."""
    running = [
        subprocess.Popen(
            [sys.executable, "-c", READERS, *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    try:
        for process in running:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
        yield
        for process in running:
            _, complaints = process.communicate(timeout=60)
            assert (process.returncode, complaints.decode()) == (0, "")
    finally:
        for process in running:
            process.kill()
            process.communicate()


def make_old(path: Path, steps: int) -> None:
    """Put a store of `steps` steps at `path`, as an earlier notifier left it."""
    aside = path.with_name("aside")
    db = sqlite3.connect(aside, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    for statement in (each for step in STEPS[:steps] for each in step):
        db.execute(statement)
    if LOG_MARK in STEPS[:steps]:
        mark_migration(db, had_mark=True)
    db.execute(f"PRAGMA user_version = {steps}")
    db.close()
    aside.rename(path)


def version(path: Path) -> int:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        (found,) = db.execute("PRAGMA user_version").fetchone()
        return int(found)
    finally:
        db.close()


def test_readers_in_a_tight_loop_never_meet_a_half_made_store(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.db" for number in range(12)]
    with readers(paths):
        for path in paths:
            Database.open(path, CONFIG).close()


def test_readers_in_a_tight_loop_never_meet_a_half_migrated_store(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.db" for number in range(12)]
    with readers(paths):
        for number, path in enumerate(paths):
            make_old(path, 1 + number % (VERSION - 1))
            Database.open(path, CONFIG).close()


def test_what_a_killed_start_left_aside_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    for suffix in (".new", ".new-wal", ".new-shm", ".new-journal"):
        (tmp_path / f"n.db{suffix}").write_bytes(b"half" * 5000)

    Database.open(path, CONFIG).close()

    assert {each.name for each in tmp_path.iterdir()} == {"n.db", "n.db.lock"}
    assert version(path) == VERSION
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_start_that_is_killed_while_it_makes_the_store_leaves_nothing_at_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "n.db"
    monkeypatch.setattr(schema, "STEPS", (*STEPS, ("SELECT no_such_function()",)))
    with pytest.raises(StoreRefusedError, match="no_such_function"):
        Database.open(path, CONFIG)
    assert not path.exists()
    with open_reader(path) as reader:
        assert reader is None

    monkeypatch.undo()
    Database.open(path, CONFIG).close()


def test_file_and_folder_are_synced_before_and_after_the_store_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "n.db"
    synced = list[tuple[str, bool]]()

    def fsync(fd: int) -> None:
        name = str(Path(f"/proc/self/fd/{fd}").readlink())
        synced.append((name, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    create(path, CONFIG)
    assert synced == [(f"{path}.new", False), (str(tmp_path), True)]


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "n.db"
    make_old(path, 1)
    monkeypatch.setattr(schema, "STEPS", (*STEPS, ("SELECT no_such_function()",)))
    with pytest.raises(StoreRefusedError, match="no_such_function"):
        Database.open(path, CONFIG)
    assert version(path) == 1


def test_a_reader_waits_while_a_daemon_migrates(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    make_old(path, 1)
    lock = FileLock(tmp_path / "n.db.lock")
    lock.acquire()
    answers = list[object]()

    def read() -> None:
        with open_reader(path) as reader:
            assert reader is not None
            answers.append(reader.watches())

    thread = threading.Thread(target=read)
    thread.start()
    db = sqlite3.connect(path, isolation_level=None)
    schema.migrate(db)
    db.close()
    thread.join(60)
    lock.release()
    assert answers == [[]]


def test_a_reader_beside_a_daemon_that_does_not_migrate_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.store.reader.MIGRATION_SECONDS", 0.1)
    path = tmp_path / "n.db"
    make_old(path, 1)
    lock = FileLock(tmp_path / "n.db.lock")
    lock.acquire()
    with pytest.raises(StoreError, match=r"older notifier.*daemon"), open_reader(path):
        pass
    lock.release()
