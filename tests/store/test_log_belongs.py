"""A database and a log that do not belong together are refused, and every byte is left."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from random import Random

import pytest

from notifier.errors import StoreError, StoreRefusedError
from notifier.store import Database, open_reader
from notifier.store.write_ahead_log import belongs_to, read_log

CONFIG = Path("/somewhere/config.toml")
MOMENTS = [
    "empty",
    "opened",
    "a few",
    "checkpointed",
    "after that",
    "much more",
    "reset",
]

DAEMON = """
import os, sqlite3, sys
from pathlib import Path
from notifier.model.watch import Listing, WatchKey, WatchSpec
from notifier.store import Database
from notifier.store.watches import sync

path, config = Path(sys.argv[1]), Path(sys.argv[2])
database = Database.open(path, config)
print("ready", flush=True)
count = 0
for line in sys.stdin:
    order = line.strip()
    if order == "checkpoint":
        database._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    elif order == "reset":
        database._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    elif order == "close":
        database.close()
    else:
        for _ in range(int(order)):
            count += 1
            specs = tuple(WatchSpec(WatchKey("main", f"{os.getpid()}_{n}")) for n in range(count))
            database.transact(sync, [Listing("config", specs)], [], float(count))
    print("done", flush=True)
"""


class Daemon:
    """A process that has a store open and does what it is told, until it is killed."""

    def __init__(self, path: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", DAEMON, path, CONFIG],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._hear("ready")

    def do(self, order: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n")
        self._process.stdin.flush()
        self._hear("done")

    def _hear(self, expected: str) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"{expected}\n"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def daemon(path: Path) -> Iterator[Daemon]:
    running = Daemon(path)
    try:
        yield running
    finally:
        running.kill()


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def copy(path: Path, folder: Path) -> Path:
    """Copy database and log, as they are at this moment, as `cp -a` does."""
    folder.mkdir()
    for file in (path, log_of(path)):
        if file.exists():
            shutil.copy2(file, folder / file.name)
    return folder / path.name


def history(path: Path, folder: Path) -> dict[str, Path]:
    """Live a while at `path`; return a copy of both files for each of MOMENTS."""
    copies = {}

    def keep(moment: str) -> None:
        copies[moment] = copy(path, folder / moment)

    Database.open(path, CONFIG).close()
    keep("empty")
    with daemon(path) as running:
        keep("opened")
        running.do("3")
        keep("a few")
        running.do("checkpoint")
        keep("checkpointed")
        running.do("2")
        keep("after that")
        running.do("40")
        keep("much more")
        running.do("reset")
        running.do("2")
        keep("reset")
    return copies


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("history")
    return history(folder / "n.db", folder)


def contents(path: Path) -> dict[str, bytes]:
    return {
        each.name: each.read_bytes() for each in path.parent.iterdir() if "lock" not in each.name
    }


def state_of(path: Path) -> list[object]:
    """Open the store as a daemon does; return what is in it."""
    database = Database.open(path, CONFIG)
    try:
        return database.transact(_everything)
    finally:
        database.close()


def _everything(db: sqlite3.Connection) -> list[object]:
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return db.execute("SELECT id, video_id, taken_at FROM watches ORDER BY id").fetchall()


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_database_and_its_log_copied_together_start(
    moment: str, copies: dict[str, Path], tmp_path: Path
) -> None:
    path = copy(copies[moment], tmp_path / "copy")
    with open_reader(path) as reader:
        assert reader is not None
        reader.watches()
    state_of(path)


@pytest.mark.parametrize(("of_database", "of_log"), list(product(MOMENTS, MOMENTS)))
def test_every_database_with_every_log_is_refused_untouched_or_starts_sound(
    of_database: str, of_log: str, copies: dict[str, Path], tmp_path: Path
) -> None:
    """What starts has the state of the log's moment: nothing of it is made up or lost."""
    path = tmp_path / "mixed" / "n.db"
    path.parent.mkdir()
    shutil.copy2(copies[of_database], path)
    if log_of(copies[of_log]).exists():
        shutil.copy2(log_of(copies[of_log]), log_of(path))
    if not belongs_to(path, log_of(path)):
        assert of_database != of_log
        assert_refused_untouched(path)
        return
    applied = log_of(path).exists() and log_of(path).stat().st_size
    found = state_of(path)
    if applied:
        assert found == state_of(copy(copies[of_log], tmp_path / "whole"))


def assert_refused_untouched(path: Path) -> None:
    before = contents(path)
    with pytest.raises(StoreRefusedError, match="not from the same time") as refused:
        Database.open(path, CONFIG)
    assert "\n" not in str(refused.value)
    with pytest.raises(StoreError, match="not from the same time"), open_reader(path):
        pass
    assert contents(path) == before


def test_a_backup_put_beside_the_log_of_a_killed_daemon_is_refused(
    copies: dict[str, Path], tmp_path: Path
) -> None:
    """FIELD D1, word for word: the older copy is kept, and starts once the log is moved away."""
    path = copy(copies["reset"], tmp_path / "state")
    shutil.copy2(copies["empty"], path)
    good = path.read_bytes()
    with pytest.raises(StoreRefusedError, match=r"n\.db-wal away") as refused:
        Database.open(path, CONFIG)
    assert refused.value.exit_code == 1
    assert path.read_bytes() == good
    log_of(path).rename(tmp_path / "kept-wal")
    assert state_of(path) == []


def test_the_log_is_looked_for_beside_the_file_that_a_link_leads_to(
    copies: dict[str, Path], tmp_path: Path
) -> None:
    disk = copy(copies["reset"], tmp_path / "disk")
    link = tmp_path / "state" / "linked.db"
    link.parent.mkdir()
    link.symlink_to(disk)
    shutil.copy2(copies["empty"], disk)
    before = contents(disk)
    with pytest.raises(StoreRefusedError, match=r"n\.db-wal away"):
        Database.open(link, CONFIG)
    with pytest.raises(StoreError, match="not from the same time"), open_reader(link):
        pass
    assert contents(disk) == before


def test_another_life_of_the_same_store_is_another_history(
    copies: dict[str, Path], tmp_path: Path
) -> None:
    path = copy(copies["a few"], tmp_path / "second")
    with daemon(path) as running:
        running.do("5")
        running.do("checkpoint")
    shutil.copy2(log_of(copies["much more"]), log_of(path))
    with pytest.raises(StoreRefusedError, match="not from the same time"):
        Database.open(path, CONFIG)


def test_the_log_of_another_store_is_refused(copies: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    Database.open(path, CONFIG).close()
    shutil.copy2(log_of(copies["a few"]), log_of(path))
    with pytest.raises(StoreRefusedError, match="not from the same time"):
        Database.open(path, CONFIG)


def test_kills_at_any_moment_are_never_refused(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    rng = Random(1)
    for _ in range(6):
        with daemon(path) as running:
            for _ in range(rng.randint(0, 4)):
                running.do(rng.choice(["1", "7", "checkpoint", "reset"]))
            copied = copy(path, tmp_path / f"copy {rng.random()}")
        state_of(copied)
    state_of(path)


@pytest.mark.parametrize("cut", [0, 7, 31, 32, 40, 56, 4000, 4152, 8000])
def test_a_log_that_is_cut_off_belongs_as_far_as_it_goes(
    cut: int, copies: dict[str, Path], tmp_path: Path
) -> None:
    path = copy(copies["a few"], tmp_path / "copy")
    os.truncate(log_of(path), cut)
    assert belongs_to(path, log_of(path))
    state_of(path)


def test_a_torn_first_transaction_is_no_mark(copies: dict[str, Path], tmp_path: Path) -> None:
    """A frame's header may be new and its page still that of an older log, after a kill."""
    path = copy(copies["reset"], tmp_path / "copy")
    log = log_of(path)
    torn = bytearray(log.read_bytes())
    torn[32 + 24 + 100] ^= 0xFF
    log.write_bytes(torn)
    with log.open("rb") as file:
        assert read_log(file) is None
    assert belongs_to(path, log)


@pytest.mark.parametrize("seed", range(20))
def test_garbage_is_no_log_and_no_crash(seed: int, tmp_path: Path) -> None:
    rng = Random(seed)
    path, log = tmp_path / "n.db", tmp_path / "n.db-wal"
    header = bytes.fromhex("377f0682002de21800001000") if seed % 2 else b""
    path.write_bytes(rng.randbytes(rng.choice([0, 10, 100, 5000])))
    log.write_bytes(header + rng.randbytes(rng.choice([0, 10, 100, 50_000])))
    assert belongs_to(path, log)
