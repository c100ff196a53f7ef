"""Keeping the state from growing for ever."""

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
    """What housekeeping needs of the store."""

    async def prune(self, before: float, limit: int) -> Pruned:
        """Remove up to `limit` events and watches that were over `before`."""


async def run_retention(
    store: PruningStore, retention: Callable[[], float], now: Callable[[], float]
) -> None:
    """Remove what has been over for `retention()` seconds, about every hour, for ever.

    Batches are small, so that a delivery that wants the store never waits for long.
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
        gone = await store.prune(before, _BATCH)
        events, watches = events + gone.events, watches + gone.watches
        if gone.events < _BATCH and gone.watches < _BATCH:
            return events, watches
