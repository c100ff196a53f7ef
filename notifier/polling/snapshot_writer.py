"""What watches were last told, on its way into the store, so that a restart goes on from there.

A reading is no ending: one that a crash takes is told again by the gateway. So no poller waits
for it to be stored. What comes while the store is at work is written together, of each watch
only the latest.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Protocol

import trio

from notifier import log
from notifier.errors import StoreError
from notifier.model.watch import Observation
from notifier.schedule.backoff import growing
from notifier.wakeup import Wakeup

_MOST = 500
"""How many are written at once: an ending that comes meanwhile waits a few milliseconds."""

_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_FOR_EVER = 3600.0


class SnapshotStore(Protocol):
    """What is needed of the store."""

    async def save_observations(self, readings: Sequence[Observation]) -> None:
        """Keep what open watches were last told."""


class SnapshotWriter:
    """Writes readings into `store`; `run` must be running."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._unsaved: dict[int, Observation] = {}
        self._most = _MOST
        self._wakeup = Wakeup()
        self._log = log.get()

    def keep(self, reading: Observation) -> None:
        """Have a reading stored before long, instead of an earlier one of the same watch."""
        self._unsaved[reading.row] = reading
        self._wakeup.notify()

    async def run(self) -> None:
        """Write what there is, for ever; what the store refuses is tried again."""
        troubles = 0
        while True:
            try:
                await self._save_all()
            except Exception as error:  # noqa: BLE001 - the daemon does not stand or fall with it
                troubles += 1
                await self._pause(error, troubles)
            else:
                troubles = 0
                await self._wakeup.wait(_FOR_EVER)

    async def _pause(self, error: Exception, troubles: int) -> None:
        pause = growing(_PAUSE, troubles, _LONGEST_PAUSE)
        say = self._log.error if isinstance(error, StoreError) else self._log.exception
        say("readings_wait_for_store", reason=str(error), wait=pause)
        await trio.sleep(pause)

    async def flush(self) -> None:
        """Write what is left, for the last time."""
        try:
            await self._save_all()
        except Exception as error:  # noqa: BLE001 - nor does its end
            # the gateways will tell it again
            self._log.error("readings_not_saved", reason=str(error))

    async def _save_all(self) -> None:
        while self._unsaved:
            batch = list(islice(self._unsaved.values(), self._most))
            try:
                await self._store.save_observations(batch)
            except Exception:
                # if it is one of them that cannot be stored, the others have to get by
                self._most = max(self._most // 2, 1)
                self._unsaved |= self._taken(batch)
                raise
            self._most = min(2 * self._most, _MOST)
            self._taken(batch)

    def _taken(self, batch: list[Observation]) -> dict[int, Observation]:
        """Take out those of `batch` of which nothing newer came."""
        rows = [one.row for one in batch if self._unsaved.get(one.row) is one]
        return {row: self._unsaved.pop(row) for row in rows}
