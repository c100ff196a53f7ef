"""One round, and the comparison of many."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import trio

from notifier.http_server import Request, Response, Wire
from notifier.store import Database, Store, ThreadExecutor
from tests.builders import listing, new_event, snapshot, spec
from tests.delivery.lanes import steady_clock
from tests.faults.behaviours import MisbehavingReceiver, like_a_black_hole
from tests.faults.delivery_harness import DeliveryHarness, harness_on

EVERY = 0.01
"""Seconds between two events."""

WARM_UP = 30
"""Events at the start of a round that do not count: connections are made, files grow."""

HOLE_TIMEOUT = 0.5
"""The black holes' timeout: so short that a round sees attempts begin, fail and be probed."""

NOISE = HOLE_TIMEOUT / 5
"""What a busy machine may add to a p99; waiting for a black hole would add its timeout."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Latencies of one round in seconds."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rounds alone and beside `holes` black holes, pair by pair."""

    holes: int
    pairs: list[tuple[Figures, Figures]]

    @property
    def ratio(self) -> float:
        """The median over the pairs of p99 beside black holes divided by p99 alone."""
        return median(beside.p99 / alone.p99 for alone, beside in self.pairs)


async def compare(holes: int, rounds: int, events: int) -> Comparison:
    """Measure `rounds` pairs of rounds of `events` events each."""
    pairs = [(await measure(0, events), await measure(holes, events)) for _ in range(rounds)]
    return Comparison(holes, pairs)


async def measure(holes: int, events: int) -> Figures:
    """Deliver `events` events to a healthy endpoint that has `holes` black holes beside it."""
    clock = steady_clock()
    with _store_on_disk(clock.now) as store:
        async with harness_on(store, clock) as p:
            names = [f"hole-{number}" for number in range(holes)]
            for name in names:
                hole = MisbehavingReceiver(behaviour=like_a_black_hole)
                await p.receiver(name, hole, timeout=HOLE_TIMEOUT)
            app = _Timed()
            await p.receiver("app", app)
            latencies = sorted(await _latencies(p, app, (*names, "app"), events))
    return Figures(latencies[len(latencies) // 2], latencies[len(latencies) * 99 // 100])


@dataclass
class _Timed(MisbehavingReceiver):
    """Records when each event arrived, on trio's clock."""

    came: dict[str, float] = field(default_factory=dict)

    async def handle(self, request: Request, wire: Wire) -> Response | None:
        self.came.setdefault(request.headers["webhook-id"], trio.current_time())
        return await super().handle(request, wire)


async def _latencies(
    p: DeliveryHarness, app: _Timed, endpoints: tuple[str, ...], events: int
) -> list[float]:
    """Commit events one after the other; return how long each was on its way to `app`."""
    specs = [spec(f"video_{number}") for number in range(WARM_UP + events)]
    watches = await p.store.sync_watches([listing(*specs)], [])
    committed = {}
    for number, watch in enumerate(watches):
        event = new_event(f"evt_{number}", endpoints, b"x" * 1000)
        await p.store.record_ending(watch.row, event, snapshot())
        committed[event.id] = trio.current_time()
        for name in endpoints:
            p.lanes[name].wake()
        await trio.sleep(EVERY)
    await app.wait_for(len(committed))
    return [app.came[name] - at for name, at in committed.items()][WARM_UP:]


@contextmanager
def _store_on_disk(now: Callable[[], float]) -> Iterator[Store]:
    with TemporaryDirectory() as folder:
        database = Database.open(Path(folder, "notifier.db"), Path(folder, "config.toml"))
        try:
            yield Store(database, ThreadExecutor(), now)
        finally:
            database.close()
