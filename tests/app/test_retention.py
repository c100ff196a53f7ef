"""Pruning in the background, on virtual time."""

from dataclasses import dataclass, field

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.app.retention import run_retention
from notifier.errors import StoreError
from notifier.store.pruning import Pruned

MONTH = 30 * 86_400.0


@dataclass
class PagePlanner:
    """A store with so many events that are over, which may be out of order at first."""

    events: int
    broken: int = 0
    asked: list[tuple[float, float]] = field(default_factory=list)

    async def prune(self, before: float, limit: int) -> Pruned:
        self.asked.append((trio.current_time(), before))
        if self.broken:
            self.broken -= 1
            raise StoreError("the disk is full")
        gone = min(self.events, limit)
        self.events -= gone
        return Pruned(gone, gone)


async def keep(planner: PagePlanner, seconds: float) -> list[str]:
    with capture_logs() as logs, trio.move_on_after(seconds):
        await run_retention(planner, lambda: MONTH, trio.current_time)
    return [line["event"] for line in logs]


async def test_every_hour_all_that_is_older_than_the_retention_goes(
    autojump_clock: MockClock,
) -> None:
    began, planner = trio.current_time(), PagePlanner(1000)

    assert await keep(planner, 3 * 3600 + 1) == ["pruned"]

    assert planner.events == 0
    assert all(at - before == MONTH for at, before in planner.asked)
    assert sorted({round(at - began) for at, _ in planner.asked}) == [3600, 7200, 10_800]


async def test_a_store_that_refuses_is_asked_again_an_hour_later(
    autojump_clock: MockClock,
) -> None:
    planner = PagePlanner(10, broken=2)

    assert await keep(planner, 3 * 3600 + 1) == ["not_pruned", "not_pruned", "pruned"]

    assert planner.events == 0
