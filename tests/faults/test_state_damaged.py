"""A damaged state is reported in one sentence, and never thrown away."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import pytest

from notifier.errors import StoreError, StoreRefusedError
from notifier.store import Database, open_reader
from notifier.store.schema import VERSION
from notifier.store.watches import sync
from tests.builders import listing, spec
from tests.process.harness import World, notifier, running, world

Command = tuple[str, ...]

READING: tuple[Command, ...] = (("watch", "list"), ("endpoints", "list", "--json"))
WRITING: tuple[Command, ...] = (
    ("run",),
    ("watch", "add", "another"),
    ("endpoints", "enable", "app"),
)
CONFIG = Path("/somewhere/config.toml")
HEADER = 100

Damage = Callable[[bytes], bytes]

HEADERS: dict[str, Damage] = {
    "zeros": lambda data: bytes(HEADER) + data[HEADER:],
    "noise": lambda data: Random(7).randbytes(HEADER) + data[HEADER:],
    "another magic": lambda data: b"SQLite format 2\0" + data[16:],
    "an absurd page size": lambda data: data[:16] + b"\x00\x03" + data[18:],
    "half a header": lambda data: data[: HEADER // 2],
    "a single byte": lambda _: b"\n",
    "half a page": lambda data: data[:2000],
    "a text file": lambda _: b"call mother\n" * 100,
}


def killed_store(folder: Path, commits: int = 20) -> Path:
    """Return a store as a daemon leaves it that was killed after some commits."""
    path = folder / "n.db"
    Database.open(path, CONFIG).close()
    script = f"""
import os
from pathlib import Path
from notifier.store import Database
from notifier.store.watches import sync
from tests.builders import listing, spec
database = Database.open(Path({str(path)!r}), Path({str(CONFIG)!r}))
for number in range({commits}):
    database.transact(sync, [listing(spec(f"video_{{number}}"), source=str(number))], [], 0)
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    return path


def everything(folder: Path) -> dict[str, bytes]:
    """Return the files that make up a state; what SQLite derives from them is left out."""
    kept = (path for path in folder.iterdir() if path.suffix not in {".db-shm", ".lock"})
    contents = ((path.name, path.read_bytes()) for path in kept)
    return {name: content for name, content in contents if content}


@pytest.mark.parametrize("damage", HEADERS.values(), ids=HEADERS)
def test_a_damaged_header_is_refused_and_every_byte_stays(damage: Damage, tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    Database.open(path, CONFIG).close()
    path.write_bytes(damage(path.read_bytes()))
    before = everything(tmp_path)

    with pytest.raises(StoreRefusedError) as refused:
        Database.open(path, CONFIG)
    with pytest.raises(StoreError) as unread, open_reader(path):
        pass

    assert (refused.value.exit_code, unread.value.exit_code) == (1, 1)
    assert everything(tmp_path) == before


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_log_costs_the_last_commits_and_never_the_store(
    seed: int, tmp_path: Path
) -> None:
    """A write-ahead log ends for SQLite where its checksums do: what is before that counts."""
    rng = Random(seed)
    path = killed_store(tmp_path)
    log = path.with_name("n.db-wal")
    data = bytearray(log.read_bytes())
    if seed % 3 == 0:
        del data[rng.randrange(len(data)) :]
    elif seed % 3 == 1:
        start = rng.randrange(len(data))
        data[start : start + 5000] = rng.randbytes(len(data[start : start + 5000]))
    else:
        data[:] = rng.randbytes(len(data))
    log.write_bytes(data)

    database = Database.open(path, CONFIG)
    found = [watch.key.video_id for watch in database.transact(sync, [], [], 0)]
    wanted = [spec(f"video_{number}") for number in range(20)]
    again = database.transact(sync, [listing(*wanted, source="all")], [], 0)
    database.close()

    assert found == [f"video_{number}" for number in range(len(found))]
    assert len(again) == 20
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()


async def refused_by(w: World, commands: Iterable[Command], code: int, sentence: str) -> None:
    """Check that the commands say `sentence`, and that nothing was touched."""
    before = everything(w.store_path.parent)
    for command in commands:
        done = await notifier(*command, "-c", w.config_path)
        (line,) = done.stderr.splitlines()
        assert line.startswith("notifier: "), command
        assert sentence in line, command
        assert (done.returncode, done.stdout) == (code, ""), command
        assert everything(w.store_path.parent) == before, command
    assert not list(w.folder.glob("watches.d/*"))


async def with_state(w: World) -> None:
    app = await w.receiver()
    w.endpoint(app)
    w.sandbox.create(video_id="job", duration=0.2)
    w.watch("job")
    async with running(w.save(), "--exit-when-done") as daemon:
        assert await daemon.exit_code() == 0


async def test_a_corrupt_store_is_refused_in_one_sentence(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await with_state(w)
        w.store_path.write_bytes(HEADERS["noise"](w.store_path.read_bytes()))
        await refused_by(w, [("run",), ("watch", "list")], 1, "not a database")


async def test_every_command_refuses_the_store_of_a_newer_notifier(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await with_state(w)
        db = sqlite3.connect(w.store_path)
        db.execute(f"PRAGMA user_version = {VERSION + 1}")
        db.close()
        await refused_by(w, [*READING, *WRITING], 78, "was written by a newer notifier")


async def test_tables_full_of_noise_end_the_start_in_one_sentence(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await with_state(w)
        data = w.store_path.read_bytes()
        noise = Random(7).randbytes(len(data) - 4096)
        w.store_path.write_bytes(data[:4096] + noise)
        done = await notifier("run", "-c", w.config_path)
        (line,) = done.stderr.splitlines()
        assert (done.returncode, "malformed" in line) == (1, True)
