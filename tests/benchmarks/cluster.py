"""`python -m tests.benchmarks.cluster`: a store in PostgreSQL, 1 ms away, beside one in a file.

Also what a heartbeat costs and a takeover, with few and with many watches (`takeover`).

Many tasks record endings, then claim and record deliveries, each in its own operation as the
daemon does. Seconds are of this machine; the ratios are what counts.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio
from rich.console import Console
from rich.table import Table

from notifier.model.delivery import AttemptRecord
from notifier.model.job_sample import JobClass, JobSample
from notifier.store import Database, Store, ThreadExecutor
from notifier.store.engine import Engine
from tests import postgres
from tests.builders import START, listing, new_event, snapshot, spec
from tests.postgres import Server, running_server

if TYPE_CHECKING:
    from tests.benchmarks.takeover import Costs

ROUND_TRIP = 0.001
WATCHES = (1_000, 100_000)
TASKS = 128
CLAIMS = 16
LANES = 16
SAMPLE = JobSample(JobClass("main", "sora-2", "8", "1280x720"), 123.5, 2.5, 7, ((0.0, 0),))
RECEIVED = AttemptRecord(START, 12, "delivered", 204)


@dataclass(frozen=True)
class Rates:
    """Endings and deliveries per second, and the client's CPU for each in microseconds."""

    endings: float
    deliveries: float
    ending_cpu: float
    delivery_cpu: float


async def measure(engine: Engine, jobs: int) -> Rates:
    """Record `jobs` endings, then deliver their events."""
    store = Store(engine, ThreadExecutor(), lambda: START)
    names = [f"lane-{number}" for number in range(LANES)]
    await store.reconcile_endpoints(dict.fromkeys(names, "mark"))
    specs = [spec(f"video_{number}") for number in range(jobs)]
    watches = await store.sync_watches([listing(*specs)], [])
    events = [new_event(f"evt_{n}", (names[n % LANES],), b"x" * 1500) for n in range(jobs)]
    last = snapshot()
    queue = iter(zip(watches, events, strict=True))

    async def end() -> None:
        for watch, event in queue:
            assert await store.record_ending(watch.row, event, last, sample=SAMPLE)

    async def deliver(lane: str) -> None:
        while claims := await store.claim_due(lane, CLAIMS):
            await store.record_delivered([(claim, RECEIVED) for claim in claims])

    ending = await _timed([end] * TASKS)
    delivery = await _timed([_with(deliver, name) for name in names])
    await store.close()
    return Rates(
        jobs / ending[0], jobs / delivery[0], *(1e6 * t[1] / jobs for t in (ending, delivery))
    )


def _with(work: Callable[[str], Awaitable[object]], name: str) -> Callable[[], Awaitable[object]]:
    return lambda: work(name)


async def _timed(tasks: Sequence[Callable[[], Awaitable[object]]]) -> tuple[float, float]:
    began, cpu = time.perf_counter(), time.process_time()
    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(task)
    return time.perf_counter() - began, time.process_time() - cpu


@contextmanager
def delayed(server: Server, seconds: float) -> Iterator[int]:
    """Return the port of a proxy in front of `server`, in a process of its own."""
    command = [sys.executable, "-m", "tests.tcp_proxy", str(server.port), "--delay", str(seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as proxy:
        assert proxy.stdout is not None
        try:
            yield int(proxy.stdout.readline())
        finally:
            proxy.kill()


def main() -> int:
    """Measure both engines and print a table; return 1 when PostgreSQL is under the reach."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cluster")
    parser.add_argument("--jobs", type=int, default=4000)
    jobs = parser.parse_args().jobs
    if reason := postgres.missing():
        Console(stderr=True).print(reason)
        return 1
    from notifier.store.postgres.database import PostgresDatabase  # noqa: PLC0415 - an extra
    from tests.benchmarks import takeover  # noqa: PLC0415 - needs it, too

    def new_database() -> PostgresDatabase:
        url = server.new_url()
        return PostgresDatabase(lambda: url)

    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory()))
        server = held.enter_context(running_server(fsync=True, shared_buffers="256MB"))
        file = trio.run(measure, Database.open(folder / "n.db", folder / "config.toml"), jobs)
        rows = [("a file", file)]
        for name, delay in (("PostgreSQL", 0.0), ("PostgreSQL, 1 ms away", ROUND_TRIP / 2)):
            port = held.enter_context(delayed(server, delay)) if delay else None
            url = server.url(server.new_schema(), port)
            rows.append((name, trio.run(measure, PostgresDatabase(partial(str, url)), jobs)))
        members = [
            (watches, trio.run(takeover.measure, new_database, watches)) for watches in WATCHES
        ]
    print_table(rows)
    print_members(members)
    far = rows[-1][1]
    return int(far.endings < 0.6 * file.endings or far.deliveries < 0.6 * file.deliveries)


def print_members(members: Sequence[tuple[int, "Costs"]]) -> None:
    """Print what a member of a cluster pays."""
    table = Table("open watches", "heartbeat, ms", "takeover, s")
    for watches, costs in members:
        table.add_row(f"{watches:,}", f"{costs.beat:.1f}", f"{costs.takeover:.2f}")
    Console(width=100).print(table)


def print_table(rows: Sequence[tuple[str, Rates]]) -> None:
    """Print what was measured, each beside the file."""
    table = Table("store", "endings/s", "of file", "µs CPU", "deliveries/s", "of file", "µs CPU")
    base = rows[0][1]
    for name, rates in rows:
        table.add_row(
            name,
            f"{rates.endings:.0f}",
            f"{rates.endings / base.endings:.2f}",
            f"{rates.ending_cpu:.0f}",
            f"{rates.deliveries:.0f}",
            f"{rates.deliveries / base.deliveries:.2f}",
            f"{rates.delivery_cpu:.0f}",
        )
    Console(width=100).print(table)


if __name__ == "__main__":
    sys.exit(main())
