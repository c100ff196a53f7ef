"""Write-behind of what was last observed of each watch, so that a restart continues from there.

An observation is not an ending: after a crash the gateway reports it again. So no poller waits
until it is stored. The first is written at once. Those that arrive in the half second after a
write are written together, only the latest of each watch: each commit costs more than a row.
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
"""How many are written at once; an ending waits a few milliseconds for such a write."""

_REST = 0.5
"""Seconds from the end of a write to the next one."""

_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_FOR_EVER = 3600.0


class SnapshotStore(Protocol):
    """What the writer needs of the store."""

    async def save_observations(self, observations: Sequence[Observation]) -> None:
        """Store what was last observed of open watches; raises StoreError."""


class SnapshotWriter:
    """Writes observations into `store`; `run` must be running."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._unsaved: dict[int, Observation] = {}
        self._most = _MOST
        self._wakeup = Wakeup()
        self._log = log.get()

    def keep(self, observation: Observation) -> None:
        """Store an observation before long; it replaces an unsaved one of the same watch."""
        self._unsaved[observation.row] = observation
        self._wakeup.notify()

    async def run(self) -> None:
        """Write observations soon after they come, for ever; a failed write is repeated."""
        failures = 0
        while True:
            try:
                has_written = await self._save_all()
            except Exception as error:  # noqa: BLE001 - the daemon goes on without it
                failures += 1
                await self._pause(error, failures)
            else:
                failures = 0
                if has_written:
                    await trio.sleep(_REST)
                await self._wakeup.wait(_FOR_EVER)

    async def _pause(self, error: Exception, failures: int) -> None:
        pause = growing(_PAUSE, failures, _LONGEST_PAUSE)
        say = self._log.error if isinstance(error, StoreError) else self._log.exception
        say("readings_wait_for_store", reason=str(error), wait=pause)
        await trio.sleep(pause)

    async def flush(self) -> None:
        """Write what is left, at the end; a failure is only logged."""
        try:
            await self._save_all()
        except Exception as error:  # noqa: BLE001 - the shutdown goes on without it
            # the gateways will report it again
            self._log.error("readings_not_saved", reason=str(error))

    async def _save_all(self) -> bool:
        """Write all observations; tell whether there were any."""
        has_written = False
        while self._unsaved:
            batch = list(islice(self._unsaved.values(), self._most))
            try:
                await self._store.save_observations(batch)
            except Exception:
                # one of them may be impossible to store: smaller batches get past it
                self._most = max(self._most // 2, 1)
                self._unsaved |= self._take_out(batch)
                raise
            self._most = min(2 * self._most, _MOST)
            self._take_out(batch)
            has_written = True
        return has_written

    def _take_out(self, batch: list[Observation]) -> dict[int, Observation]:
        """Take out those of `batch` that no newer observation has replaced."""
        rows = [one.row for one in batch if self._unsaved.get(one.row) is one]
        return {row: self._unsaved.pop(row) for row in rows}
