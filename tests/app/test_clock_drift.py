"""Detecting a wall clock that was set, on virtual time."""

from dataclasses import dataclass, field

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.app.clock_drift import track_clock_drift
from notifier.errors import StoreError
from notifier.schedule.clock import Clock
from tests.builders import START

HOUR = 3600.0


@dataclass
class FakeStore:
    """A store that records the drift, after `broken` failures."""

    broken: int = 0
    drifts: list[float] = field(default_factory=list)

    async def keep_drift(self, drift: float) -> None:
        await trio.lowlevel.checkpoint()
        if self.broken:
            self.broken -= 1
            raise StoreError("the disk is full")
        self.drifts.append(round(drift))


@dataclass
class SettableClock:
    """A wall clock that can be set."""

    offset: float = START

    def __call__(self) -> float:
        return trio.current_time() + self.offset


async def test_a_wall_clock_that_is_set_is_noticed_recorded_and_logged(
    autojump_clock: MockClock,
) -> None:
    wall, store = SettableClock(), FakeStore(broken=1)
    clock = Clock(wall, trio.current_time)
    with capture_logs() as logs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(track_clock_drift, store, clock)
            await trio.sleep(HOUR)
            assert store.drifts == []
            for jump in (-HOUR, 2 * HOUR):
                wall.offset += jump
                await trio.sleep(60)
            nursery.cancel_scope.cancel()

    assert store.drifts == [-HOUR, HOUR]
    assert [line["event"] for line in logs] == [
        "clock_not_kept",
        "clock_was_set",
        "clock_was_set",
    ]
    assert clock.now() == START + trio.current_time()
