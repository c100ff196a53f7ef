"""Removes what is older than the retention, so that the state does not grow for ever."""

from collections.abc import Callable
from typing import Protocol

import trio

from notifier import log
from notifier.errors import StoreError
from notifier.schedule.backoff import clamped
from notifier.store.pruning import Pruned

_SHORTEST_PAUSE, _LONGEST_PAUSE = 10.0, 3600.0
_BATCH = 200


class PruningStore(Protocol):
    """What retention needs of the store."""

    async def prune(self, before: float, limit: int) -> Pruned:
        """Remove up to `limit` events and `limit` watches that ended before `before`."""


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
    events = watches = 0
    while True:
        pruned = await store.prune(before, _BATCH)
        events, watches = events + pruned.events, watches + pruned.watches
        if pruned.events < _BATCH and pruned.watches < _BATCH:
            return events, watches
