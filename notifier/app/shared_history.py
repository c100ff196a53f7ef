"""What the jobs of all instances taught: each learns also from what the others record."""

from collections.abc import Iterable
from typing import Protocol

import trio

from notifier import log
from notifier.errors import StoreError
from notifier.model.job_sample import JobSample
from notifier.schedule.job_history import JobHistory

LOOK = 30.0
"""The time between two looks at what was recorded, in seconds."""

_MOST = 1000
"""How many samples are learned in one look; of more only the newest."""


class SampleStore(Protocol):
    """What is read of recorded samples."""

    async def samples_after(
        self, number: int, most: int | None = None
    ) -> tuple[list[JobSample], int]:
        """Return the newest samples after that of a number, and the number of the newest."""


class SharedHistory(JobHistory):
    """The histories of all job classes as the store has them, up to the sample `newest`.

    Own samples are learned with those of the others, once they are read.
    """

    def __init__(self, stored: Iterable[JobSample], newest: int) -> None:
        super().__init__(stored)
        self._newest = newest

    def learn(self, sample: JobSample) -> None:
        """Leave a sample that was recorded to the next look, which would learn it twice."""

    async def keep_learning(self, store: SampleStore) -> None:
        """Learn what is recorded, for ever."""
        while True:
            await trio.sleep(LOOK)
            try:
                samples, self._newest = await store.samples_after(self._newest, _MOST)
            except StoreError as error:
                log.get().debug("samples_wait_for_store", reason=str(error))
                continue
            for sample in samples:
                super().learn(sample)
