"""The watchdog is notified while everything works, and only then."""

import itertools
import math
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio
import trio.testing
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.app.watchdog import LATE, Watchdog
from notifier.errors import StoreError
from notifier.store import Database, Store, ThreadExecutor
from notifier.store.delivery_counts import DeliveryCounts
from notifier.store.store import Outstanding
from notifier.systemd import ServiceManager

HOUR = 3600.0


class Manager(ServiceManager):
    """A service manager that records each notification and its time."""

    def __init__(self, interval: float | None = 30) -> None:
        super().__init__({})
        self.watchdog_interval = interval
        self.fed: list[float] = []
        self.shown: list[str] = []

    def show(self, status: str) -> None:
        self.shown.append(status)

    def feed_watchdog(self) -> None:
        self.fed.append(trio.current_time())


@dataclass
class World:
    """A store and loops that may fail or hang."""

    manager: Manager = field(default_factory=Manager)
    full: bool = False
    locked: bool = False
    hangs: bool = False
    late: float = -math.inf
    failing: int = 0
    unanswered: int = 0
    answered_at: float = field(default_factory=trio.current_time)

    async def touch(self) -> None:
        await self._call(refused="the disk is full" if self.full else "")

    async def outstanding(self, since: float) -> Outstanding:
        await self._call()
        return Outstanding(12, DeliveryCounts(pending=3, held=0, delivered=9, dead=0, cancelled=0))

    async def _call(self, refused: str = "") -> None:
        if self.hangs:
            with trio.CancelScope(shield=True):  # like a thread that cannot be cancelled
                await trio.sleep(HOUR)
        await trio.lowlevel.checkpoint()
        self.answered_at = trio.current_time()
        if self.locked or refused:
            raise StoreError(refused or "database is locked")

    async def live(self, seconds: float) -> None:
        watchdog = Watchdog(
            self.manager,
            self,
            lateness=lambda: self.late,
            failing=lambda: self.failing,
            paused=lambda: 0,
            now=trio.current_time,
            unanswered=lambda: self.unanswered,
        )
        with trio.move_on_after(seconds):
            await watchdog.run()

    def fed_all_along(self) -> bool:
        """Tell whether notifications were never more than half an interval apart."""
        fed = self.manager.fed
        pauses = [b - a for a, b in itertools.pairwise(fed)]
        return len(fed) >= 10 and max(pauses) <= 15


async def test_it_is_fed_in_time_and_the_status_says_how_everything_stands(
    autojump_clock: MockClock,
) -> None:
    world = World(failing=1, unanswered=2)
    await world.live(100)
    said = "watching 12, 3 pending, 1 endpoint failing, 2 gateways not answering"
    assert world.manager.shown == [said]
    assert world.fed_all_along()


async def test_a_store_call_that_never_comes_back_starves_it_within_two_intervals(
    autojump_clock: MockClock,
) -> None:
    world = World()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.live, 200)
        await trio.sleep(100)
        world.hangs = True
    # the call comes back, after an hour, only so that the test ends
    assert 0 < max(at for at in world.manager.fed if at < HOUR) - began <= 130


@pytest.mark.parametrize("late", [-math.inf, LATE + 1])
async def test_a_store_that_refuses_is_alive_although_loops_wait_for_it(
    autojump_clock: MockClock, late: float
) -> None:
    world = World(locked=True, late=late)
    await world.live(100)
    assert world.manager.shown == ["waiting for the store: database is locked"]
    assert world.fed_all_along()


async def test_a_full_disk_that_can_still_be_read_shows_in_the_status_until_there_is_space(
    autojump_clock: MockClock,
) -> None:
    world = World(full=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.live, 200)
        await trio.sleep(100)
        assert world.manager.shown[-1] == "waiting for the store: the disk is full"
        world.full = False
    assert world.manager.shown[-1] == "watching 12, 3 pending"
    assert world.fed_all_along()


async def test_a_loop_that_hangs_starves_it_until_it_goes_on(autojump_clock: MockClock) -> None:
    world = World(late=LATE + 1)
    with capture_logs() as logs:
        await world.live(100)
        assert world.manager.fed == []
        assert [line["event"] for line in logs] == ["hanging"]
        world.late = -math.inf
        await world.live(100)
    assert world.fed_all_along()


async def test_without_a_watchdog_nothing_is_written(autojump_clock: MockClock) -> None:
    world = World(Manager(None), full=True)
    await world.live(100)
    assert world.manager.shown == ["watching 12, 3 pending"]


async def test_it_is_fed_while_a_locked_store_refuses_one_of_many_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.store.database.BUSY_SECONDS", 0.1)
    path = tmp_path / "n.db"
    store = Store(Database.open(path, tmp_path / "config.toml"), ThreadExecutor(), time.time)
    manager = Manager(interval=4)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")

    async def wait_one_turn() -> None:
        with suppress(StoreError):
            await store.touch()

    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(300):  # half a minute, one after the other
            nursery.start_soon(wait_one_turn)
        await trio.testing.wait_all_tasks_blocked()
        watchdog = Watchdog(manager, store, lambda: LATE + 1, lambda: 0, lambda: 0, time.time)
        with trio.move_on_after(8):
            await watchdog.run()
        blocker.close()
    pauses = [b - a for a, b in itertools.pairwise([began, *manager.fed, began + 8])]
    assert max(pauses) < 4

    await store.close()
