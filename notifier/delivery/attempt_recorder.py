"""A ledger: where all lanes record their attempts, successes at once, failures one by one.

The store takes one transaction at a time, first come, first served. When ten endpoints hang,
forty attempts time out in the same moment, and the next delivery of a healthy endpoint would
wait for all of them. Nobody waits for a failure to be recorded, so they stand in a line of
their own, and at most one of them is ever before anybody else.
"""

from collections.abc import Callable

import trio

from notifier.delivery.attempt import AttemptStore
from notifier.metrics import Metrics
from notifier.model.delivery import AttemptRecord, Claim, Delivered, Settlement
from notifier.model.event import NewEvent
from notifier.model.health import Health


class AttemptRecorder:
    """Records in `store`, and in `metrics` what is recorded; one for all endpoints.

    `now` is `Clock.now`.
    """

    def __init__(
        self, store: AttemptStore, now: Callable[[], float], metrics: Metrics | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._metrics = metrics or Metrics()
        self._line = trio.CapacityLimiter(1)

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None,
    ) -> bool:
        """Commit an attempt and what follows from it; tell whether the notice was news.

        Raises StoreError when the store does.
        """
        received = self._now()
        if isinstance(settlement, Delivered):
            news = await self._store.record_attempt(claim, attempt, settlement, health, notice)
            self._metrics.delivered(claim.endpoint, received - claim.recorded_at)
        else:
            async with self._line:
                news = await self._store.record_attempt(claim, attempt, settlement, health, notice)
        self._metrics.attempt(claim.endpoint, attempt.outcome, attempt.duration_ms / 1000)
        return news
