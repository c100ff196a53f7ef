"""Detects that the wall clock was set, so that the next start can correct for it."""

from typing import Protocol

import trio

from notifier import log
from notifier.errors import StoreError
from notifier.schedule.clock import Clock

_CHECK_EVERY = 5.0
_NOTICEABLE = 1.0


class DriftStore(Protocol):
    """What clock drift tracking needs of the store."""

    async def keep_drift(self, drift: float) -> None:
        """Record by how many seconds the wall clock has moved against the steady clock."""


async def track_clock_drift(store: DriftStore, clock: Clock) -> None:
    """Record the drift in the store whenever the wall clock was set, for ever."""
    kept = 0.0
    while True:
        await trio.sleep(_CHECK_EVERY)
        drift = clock.drift()
        if abs(drift - kept) < _NOTICEABLE:
            continue
        try:
            await store.keep_drift(drift)
        except StoreError as error:
            log.get().error("clock_not_kept", reason=str(error))
        else:
            log.get().warning("clock_was_set", seconds=round(drift - kept, 1))
            kept = drift
