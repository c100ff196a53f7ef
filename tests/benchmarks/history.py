"""What daily work costs beside a long history: `python -m tests.benchmarks.history`.

Two stores, an empty one and one with many ended watches, pending deliveries and drop-ins, do the
same work. What is compared is CPU time, as the median over many repetitions, in one run.
"""

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import trio
from rich.console import Console
from rich.progress import track

from notifier.config import load
from notifier.model.delivery import AttemptRecord, Delivered
from notifier.model.health import Health
from notifier.model.watch import WatchKey
from notifier.polling.sources import Sources
from notifier.store import Database, Store, ThreadExecutor
from notifier.store.pruning import Position
from notifier.store.queries import EventFilter, WatchFilter
from tests.benchmarks.table import Row, as_table
from tests.builders import new_event, snapshot, spec

MOST = 2.0
"""How many times as much as in the empty store an operation may cost."""

CONFIG = """
[gateways.main]
base_url = "http://127.0.0.1:9/v1"
[endpoints.app]
url = "http://127.0.0.1:9/"
secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
"""
_ENDED, _PENDING = "ended", "pending"


def fill(db: sqlite3.Connection, ended: int, pending: int, now: float) -> None:
    """Write `ended` watches with a delivered event each, and `pending` deliveries due later."""
    db.execute("BEGIN")
    for state, count in ((_ENDED, ended), (_PENDING, pending)):
        numbers = range(count)
        db.executemany(
            "INSERT INTO watches (gateway, video_id, generation, first_taken_ms, state, metadata, "
            "taken_at, closed_at) VALUES ('main', ?, 1, 0, 'ended', '{}', ?, ?)",
            ((f"{state}_{number}", now - 1e6, now - 1e6 + number / 10) for number in numbers),
        )
        db.execute(
            "INSERT INTO events (id, watch, kind, type, created_at, recorded_at) SELECT "
            "'evt_' || video_id, id, 'ending', 'video.completed', 0, closed_at FROM watches "
            "WHERE video_id GLOB ?",
            (f"{state}_*",),
        )
        event = f"evt_{state}_*"
        db.execute(
            "INSERT INTO bodies (event, format, body) SELECT id, 'standard', '{}' FROM events "
            "WHERE id GLOB ?",
            (event,),
        )
        delivered = state == _ENDED
        db.execute(
            "INSERT INTO deliveries (event, endpoint, format, state, due_at, settled_at) SELECT "
            "id, ?, 'standard', ?, ?, ? FROM events WHERE id GLOB ?",
            (
                "app" if delivered else "later",
                "delivered" if delivered else "pending",
                now + 1e6,
                now - 1e5 if delivered else None,
                event,
            ),
        )
    db.execute("COMMIT")


class World:
    """A store and a folder of drop-ins, and the work that is measured on them."""

    def __init__(self, folder: Path, ended: int, pending: int, dropins: int) -> None:
        folder.mkdir()
        (folder / "config.toml").write_text(CONFIG)
        self.config = load(folder / "config.toml", {"XDG_STATE_HOME": str(folder)})
        self.watch_dir = self.config.watch_dir
        self.watch_dir.mkdir()
        for number in range(dropins):
            self._write(f"old_{number}.toml", f"listed_{number}")
        database = Database.open(self.config.store_path, self.config.path)
        with_history = sqlite3.connect(self.config.store_path, isolation_level=None)
        fill(with_history, ended, pending, time.time())
        with_history.execute("ANALYZE")
        with_history.close()
        self.store = Store(database, ThreadExecutor(), time.time)
        self.sources = Sources(self.config, self.store)
        self._number = 0

    def _write(self, name: str, video_id: str) -> None:
        hidden = self.watch_dir / f".{name}"
        hidden.write_text(f'[[watches]]\nvideo_id = "{video_id}"\n')
        hidden.rename(self.watch_dir / name)

    def _next(self) -> str:
        self._number += 1
        return f"new_{self._number}"

    async def add_a_watch(self) -> None:
        await self.store.add_watch(spec(self._next()), again=False)

    async def status(self) -> None:
        await self.store.open_watches()
        await self.store.endpoint_views()
        await self.store.outstanding(time.time())

    async def latest_events(self) -> None:
        await self.store.events(EventFilter(limit=10))

    async def one_watch(self) -> None:
        await self.store.watches(WatchFilter(video_id="ended_1"))
        await self.store.watch(WatchKey("main", "ended_1"))

    async def reload_a_file(self) -> None:
        self._write("changed.toml", self._next())
        await self.sources.read({"changed.toml"})  # as the operating system names it

    async def prune(self) -> None:
        await self.store.prune_events(time.time() - 2e6, Position())
        await self.store.prune_watches(time.time() - 2e6, Position())

    async def delivery(self) -> None:
        name = self._next()
        watch, _ = await self.store.add_watch(spec(name), again=False)
        await self.store.record_ending(watch.row, new_event(f"evt_{name}"), snapshot())
        (claim,) = await self.store.claim_due("app", 1)
        attempt = AttemptRecord(time.time(), 1, "delivered", 204)
        await self.store.record_attempt(claim, attempt, Delivered(), Health("mark"))

    def work(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return what is measured, by name."""
        return {
            "add a watch": self.add_a_watch,
            "status": self.status,
            "list the latest events": self.latest_events,
            "look one watch up": self.one_watch,
            "reload one file": self.reload_a_file,
            "a step of pruning": self.prune,
            "record, claim and settle a delivery": self.delivery,
        }


async def cpu_of(work: Callable[[], Awaitable[None]], times: int) -> float:
    """Return the median CPU time of `work`, in seconds."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        await work()
        spent.append(time.process_time() - began)
    return median(spent)


async def measure(empty: World, full: World, times: int) -> list[Row]:
    """Compare the two, one kind of work after the other, each by turns."""
    for world in (empty, full):
        await world.sources.read()
    rows = []
    for name in track(empty.work(), "Measuring", console=Console(stderr=True)):
        little, much = [await cpu_of(world.work()[name], times) for world in (empty, full)]
        rows.append(
            Row(
                name,
                f"{much * 1e6:.0f} µs, {little * 1e6:.0f} µs in an empty store",
                f"at most {MOST:g} times",
                much / little / MOST,
            )
        )
    return rows


def main() -> None:
    """Build both stores, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ended", type=int, default=1_000_000)
    parser.add_argument("--pending", type=int, default=100_000)
    parser.add_argument("--dropins", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        empty = World(Path(folder, "empty"), 0, 0, 0)
        full = World(Path(folder, "full"), asked.ended, asked.pending, asked.dropins)
        rows = trio.run(measure, empty, full, asked.times)
    Console(width=140).print(as_table(rows))


if __name__ == "__main__":
    main()
