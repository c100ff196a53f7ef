"""Records the attempts of all lanes: successes at once, failures one after the other.

The store runs one transaction at a time, first in, first out. When ten endpoints hang, forty
attempts time out in the same moment, and a success of a healthy endpoint would wait behind all
of their transactions. No delivery waits for the record of a failure. So failures wait for each
other here, and at most one of them is in the store's queue.
"""

from collections.abc import Callable, Sequence

import trio

from notifier.delivery.attempt import AttemptStore
from notifier.metrics import Metrics
from notifier.model.delivery import AttemptRecord, Claim, Delivered, Settlement
from notifier.model.event import NewEvent
from notifier.model.health import Health


class AttemptRecorder:
    """Records attempts in `store` and counts them in `metrics`; one for all endpoints.

    `now` is `Clock.now`.
    """

    def __init__(
        self, store: AttemptStore, now: Callable[[], float], metrics: Metrics | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._metrics = metrics or Metrics()
        self._one_failure = trio.CapacityLimiter(1)

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None,
    ) -> bool:
        """Commit an attempt and what follows from it; return whether the notice was recorded.

        Raises StoreError when the store does.
        """
        received = self._now()
        if isinstance(settlement, Delivered):
            recorded = await self._store.record_attempt(claim, attempt, settlement, health, notice)
            self._metrics.delivered(claim.endpoint, received - claim.recorded_at)
        else:
            async with self._one_failure:
                recorded = await self._store.record_attempt(
                    claim, attempt, settlement, health, notice
                )
        self._metrics.attempt(claim.endpoint, attempt.outcome, attempt.duration_ms / 1000)
        return recorded

    async def record_delivered(self, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
        """Commit attempts that were received; raises StoreError when the store does."""
        received = self._now()
        await self._store.record_delivered(made)
        for claim, attempt in made:
            self._metrics.delivered(claim.endpoint, received - claim.recorded_at)
            self._metrics.attempt(claim.endpoint, attempt.outcome, attempt.duration_ms / 1000)

    async def keep_rendering(self, claim: Claim, body: bytes) -> None:
        """Commit what a template made; raises StoreError when the store does."""
        await self._store.keep_rendering(claim, body)
