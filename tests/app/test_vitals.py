"""The watchdog is fed while everything goes on, and only then."""

import math
from dataclasses import dataclass, field

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

    async def outstanding(self, since: float) -> Outstanding:
        if self.hangs:
            with trio.CancelScope(shield=True):  # as a thread that cannot be cancelled
                await trio.sleep(HOUR)
        if self.refuses:
            raise StoreError("the disk is full")
        return Outstanding(12, Tally(pending=3, held=0, delivered=9, dead=0, cancelled=0))

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
    assert max(b - a for a, b in zip(world.manager.fed, world.manager.fed[1:], strict=False)) <= 15


async def test_a_store_call_that_never_comes_back_starves_it(autojump_clock: MockClock) -> None:
    world = World(hangs=True)
    await world.live(100)
    # the call comes back, after an hour, only so that the test ends
    assert all(at >= HOUR for at in world.manager.fed)


async def test_a_store_that_refuses_is_alive_and_the_status_says_why(
    autojump_clock: MockClock,
) -> None:
    world = World(refuses=True)
    await world.live(100)
    assert world.manager.shown == ["waiting for the store: the disk is full"]
    assert len(world.manager.fed) >= 10


async def test_a_loop_that_hangs_starves_it_until_it_goes_on(autojump_clock: MockClock) -> None:
    world = World(late=LATE + 1)
    with capture_logs() as logs:
        await world.live(100)
        assert world.manager.fed == []
        assert [line["event"] for line in logs] == ["hanging"]
        world.late = -math.inf
        await world.live(100)
    assert len(world.manager.fed) >= 10
