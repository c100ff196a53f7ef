"""Pruning in the background, on virtual time."""

from dataclasses import dataclass, field

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.app.retention import run_retention
from notifier.errors import StoreError
from notifier.store.pruning import BATCH, Position, Pruned

MONTH = 30 * 86_400.0


@dataclass
class FakeStore:
    """A store with `events` old events, after `broken` failures."""

    events: int
    broken: int = 0
    asked: list[tuple[float, float]] = field(default_factory=list)

    async def prune_events(self, before: float, start: Position) -> Pruned:
        self.asked.append((trio.current_time(), before))
        if self.broken:
            self.broken -= 1
            raise StoreError("the disk is full")
        removed = min(self.events, BATCH)
        self.events -= removed
        return Pruned(removed, start if self.events else None)

    async def prune_watches(self, before: float, start: Position) -> Pruned:
        return Pruned(0, None)


async def retain(store: FakeStore, seconds: float) -> list[str]:
    with capture_logs() as logs, trio.move_on_after(seconds):
        await run_retention(store, lambda: MONTH, trio.current_time)
    return [line["event"] for line in logs]


async def test_every_hour_all_that_is_older_than_the_retention_goes(
    autojump_clock: MockClock,
) -> None:
    began, store = trio.current_time(), FakeStore(1000)

    assert await retain(store, 3 * 3600 + 1) == ["pruned"]

    assert store.events == 0
    assert all(at - before == MONTH for at, before in store.asked)
    assert sorted({round(at - began) for at, _ in store.asked}) == [3600, 7200, 10_800]


async def test_a_store_that_refuses_is_asked_again_an_hour_later(
    autojump_clock: MockClock,
) -> None:
    store = FakeStore(10, broken=2)

    assert await retain(store, 3 * 3600 + 1) == ["not_pruned", "not_pruned", "pruned"]

    assert store.events == 0
