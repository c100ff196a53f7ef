"""The watchdog is fed while everything goes on, and only then."""

import math
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.app.vitals import LATE, Vitals
from notifier.errors import StoreError
from notifier.store.outbox import Tally
from notifier.store.store import Outstanding
from notifier.systemd import ServiceManager

HOUR = 3600.0


class Manager(ServiceManager):
    """A service manager that writes down what it is told, and when."""

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
    """A store and loops that may be in trouble."""

    manager: Manager = field(default_factory=Manager)
    refuses: bool = False
    hangs: bool = False
    late: float = -math.inf
    failing: int = 0
    takes: float = 0.0
    answered_at: float = -math.inf
    _turn: trio.Lock = field(default_factory=trio.Lock)

    async def touch(self) -> None:
        await self._answer()

    async def outstanding(self, since: float) -> Outstanding:
        await self._answer()
        return Outstanding(12, Tally(pending=3, held=0, delivered=9, dead=0, cancelled=0))

    async def _answer(self) -> None:
        """Answer one call at a time, as the store does."""
        async with self._turn:
            if self.hangs:
                with trio.CancelScope(shield=True):  # as a thread that cannot be cancelled
                    await trio.sleep(HOUR)
            await trio.sleep(self.takes)
            self.answered_at = trio.current_time()
            if self.refuses:
                raise StoreError("the disk is full")

    async def many_wait(self, seconds: float) -> None:
        """Be many lanes and pollers that ask the store again and again."""
        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.deadline = trio.current_time() + seconds
            for _ in range(50):
                nursery.start_soon(self._ask)

    async def _ask(self) -> None:
        while True:
            with suppress(StoreError):
                await self._answer()
            await trio.sleep(1)

    async def live(self, seconds: float) -> None:
        vitals = Vitals(
            self.manager,
            self,
            lateness=lambda: self.late,
            failing=lambda: self.failing,
            paused=lambda: 0,
            now=trio.current_time,
        )
        with trio.move_on_after(seconds):
            await vitals.run()


async def test_it_is_fed_in_time_and_the_status_says_how_everything_stands(
    autojump_clock: MockClock,
) -> None:
    world = World(failing=1)
    await world.live(100)
    assert world.manager.shown == ["watching 12, 3 pending, 1 endpoint failing"]
    assert len(world.manager.fed) >= 10
    assert max(b - a for a, b in pairwise(world.manager.fed)) <= 15


async def test_a_store_call_that_never_comes_back_starves_it(autojump_clock: MockClock) -> None:
    world = World(hangs=True)
    await world.live(300)
    # the call comes back, after an hour, only so that the test ends
    assert all(at <= 60 or at >= HOUR for at in world.manager.fed)


async def test_a_store_that_refuses_is_alive_and_the_status_says_why(
    autojump_clock: MockClock,
) -> None:
    world = World(refuses=True)
    await world.live(100)
    assert world.manager.shown == ["waiting for the store: the disk is full"]
    assert len(world.manager.fed) >= 10


async def test_a_lock_that_makes_fifty_callers_wait_their_turn_does_not_starve_it(
    autojump_clock: MockClock,
) -> None:
    world = World(refuses=True, takes=5, late=LATE + 1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.many_wait, 600)
        await world.live(600)
    fed = world.manager.fed
    assert max(b - a for a, b in pairwise(fed)) <= 30


async def test_a_loop_that_hangs_starves_it_until_it_goes_on(autojump_clock: MockClock) -> None:
    world = World(late=LATE + 1)
    with capture_logs() as logs:
        await world.live(100)
        assert world.manager.fed == []
        assert [line["event"] for line in logs] == ["hanging"]
        world.late = -math.inf
        await world.live(100)
    assert len(world.manager.fed) >= 10
