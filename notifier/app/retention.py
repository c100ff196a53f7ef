"""Removes what is older than the retention, so that the state does not grow for ever."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol

import trio

from notifier import log
from notifier.errors import StoreError
from notifier.schedule.backoff import clamped
from notifier.store.pruning import Position, Pruned

_SHORTEST_PAUSE, _LONGEST_PAUSE = 10.0, 3600.0


class PruningStore(Protocol):
    """What retention needs of the store."""

    async def prune_events(self, before: float, start: Position) -> Pruned:
        """Examine one batch of events that ended before `before`, and remove what may go."""

    async def prune_watches(self, before: float, start: Position) -> Pruned:
        """Examine one batch of watches that ended before `before`, and remove what may go."""


async def run_retention(
    store: PruningStore, retention: Callable[[], float], now: Callable[[], float]
) -> None:
    """Remove what ended more than `retention()` seconds ago, about every hour, for ever.

    Batches are small, so that a delivery never waits long for the store.
    """
    while True:
        await trio.sleep(clamped(retention() / 10, _SHORTEST_PAUSE, _LONGEST_PAUSE))
        try:
            events, watches = await _prune(store, now() - retention())
        except StoreError as error:
            log.get().error("not_pruned", reason=str(error))
        else:
            if events or watches:
                log.get().info("pruned", events=events, watches=watches)


async def _prune(store: PruningStore, before: float) -> tuple[int, int]:
    return (
        await _all(partial(store.prune_events, before)),
        await _all(partial(store.prune_watches, before)),
    )


async def _all(prune: Callable[[Position], Awaitable[Pruned]]) -> int:
    """Run batches to the end of a pass; return how many rows they removed."""
    removed = 0
    position: Position | None = Position()
    while position is not None:
        batch = await prune(position)
        removed, position = removed + batch.removed, batch.end
    return removed
