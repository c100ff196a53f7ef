"""Noticing that somebody has set the calendar, for the sake of the next start."""

from typing import Protocol

import trio

from notifier import log
from notifier.errors import StoreError
from notifier.schedule.clock import Clock

_LOOK_EVERY = 5.0
_NOTICEABLE = 1.0


class DriftStore(Protocol):
    """What timekeeping needs of the store."""

    async def keep_drift(self, drift: float) -> None:
        """Remember by how much the calendar has left the steady clock."""


async def track_clock_drift(store: DriftStore, clock: Clock) -> None:
    """Tell the store whenever the calendar was set, for ever."""
    kept = 0.0
    while True:
        await trio.sleep(_LOOK_EVERY)
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
