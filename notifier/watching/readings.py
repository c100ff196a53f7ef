"""What watches were last told, on its way into the store, so that a restart goes on from there.

A reading is no ending: one that a crash takes is told again by the gateway. So no poller waits
for it to be stored. What comes while the store is at work is written together, of each watch
only the latest.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Protocol

from notifier import log
from notifier.bell import Bell
from notifier.errors import StoreError
from notifier.model.watch import Reading
from notifier.schedule.backoff import growing

_MOST = 500
"""How many are written at once: an ending that comes meanwhile waits a few milliseconds."""

_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_FOR_EVER = 3600.0


class ReadingStore(Protocol):
    """What is needed of the store."""

    async def save_readings(self, readings: Sequence[Reading]) -> None:
        """Keep what open watches were last told."""


class Readings:
    """Writes readings into `store`; `run` must be running."""

    def __init__(self, store: ReadingStore) -> None:
        self._store = store
        self._unsaved: dict[int, Reading] = {}
        self._bell = Bell()
        self._log = log.get()

    def keep(self, reading: Reading) -> None:
        """Have a reading stored before long, instead of an earlier one of the same watch."""
        self._unsaved[reading.row] = reading
        self._bell.ring()

    async def run(self) -> None:
        """Write what there is, for ever; what the store refuses is tried again."""
        troubles = 0
        while True:
            pause = _FOR_EVER
            try:
                await self._save_all()
                troubles = 0
            except StoreError as error:
                troubles += 1
                pause = growing(_PAUSE, troubles, _LONGEST_PAUSE)
                self._log.error("readings_wait_for_store", reason=str(error), wait=pause)
            await self._bell.wait(pause)

    async def flush(self) -> None:
        """Write what is left, for the last time."""
        try:
            await self._save_all()
        except StoreError as error:
            # the gateways will tell it again
            self._log.error("readings_not_saved", reason=str(error))

    async def _save_all(self) -> None:
        while self._unsaved:
            batch = list(islice(self._unsaved.values(), _MOST))
            await self._store.save_readings(batch)
            for reading in batch:
                if self._unsaved.get(reading.row) is reading:
                    del self._unsaved[reading.row]
