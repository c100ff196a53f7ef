"""A lane: the worker that delivers to one endpoint, or to the callbacks signed as for one.

A lane claims due deliveries from the store, as many as its flow control allows, and runs an
attempt for each. Between claims it sleeps until it is woken or the next delivery is due, at most
a minute. An endpoint that hangs fills its own lane only. The next attempt does not wait until a
success is recorded, so that records share commits; the number of unrecorded successes is bounded.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import trio

from notifier import log
from notifier.delivery.attempt import FinishedAttempt
from notifier.errors import StoreError
from notifier.model.delivery import Claim
from notifier.schedule.backoff import growing
from notifier.wakeup import Wakeup

_LONGEST_PAUSE = 60.0  # seconds between two looks at what is due

_STORE_PAUSE = 1.0
_LONGEST_STORE_PAUSE = 30.0

MOST_UNRECORDED = 64
"""How many successes of one lane may be unrecorded before it claims nothing more."""


class Claimed(NamedTuple):
    """What was claimed, and in how many seconds more may be due: 0 or less is now."""

    claims: Sequence[Claim]
    pause: float


class Flow(Protocol):
    """Flow control: which deliveries are attempted, and when."""

    async def claim(self, in_flight: int, most: int) -> Claimed:
        """Claim deliveries for attempts now, at most `most`; `in_flight` are under way."""

    async def attempt(self, claim: Claim) -> FinishedAttempt | None:
        """Make one attempt; return None if it was not begun, and is due again."""


class Records(Protocol):
    """Records attempts (`notifier.delivery.attempt.AttemptRunner`)."""

    async def record(self, finished: FinishedAttempt) -> None:
        """Record an attempt; return once that is durable."""


class Lane:
    """Delivers what `flow` claims; `settled` is notified after every attempt."""

    def __init__(self, name: str, flow: Flow, records: Records, settled: Wakeup) -> None:
        self._flow = flow
        self._records = records
        self._settled = settled
        self._wakeup = Wakeup()
        self._in_flight = 0
        self._unrecorded = 0
        self._stopping = False
        self._claimed_at = math.inf
        self._log = log.get(endpoint=name)

    def lateness(self) -> float:
        """Return how overdue the next claim is, in seconds; 0 or less if it is in time."""
        return trio.current_time() - self._claimed_at - _LONGEST_PAUSE

    def wake(self) -> None:
        """Hint that something may be due."""
        self._wakeup.notify()

    def stop(self) -> None:
        """Claim nothing more; `run` returns once the attempts in flight are recorded."""
        self._stopping = True
        self._wakeup.notify()

    async def run(self) -> None:
        """Deliver until `stop`."""
        store_failures = 0
        async with trio.open_nursery() as nursery:
            while not self._stopping:
                self._claimed_at = trio.current_time()
                try:
                    pause = await self._take_due(nursery)
                    store_failures = 0
                except StoreError as error:
                    store_failures += 1
                    pause = growing(_STORE_PAUSE, store_failures, _LONGEST_STORE_PAUSE)
                    self._log.error("lane_waits_for_store", reason=str(error), wait=pause)
                await self._wakeup.wait(pause)

    async def _take_due(self, nursery: trio.Nursery) -> float:
        """Start attempts at what is due; return the seconds until the next look, at most 60."""
        most = MOST_UNRECORDED - self._unrecorded
        if most <= 0:
            return _LONGEST_PAUSE
        claims, pause = await self._flow.claim(self._in_flight, most)
        for claim in claims:
            self._in_flight += 1
            nursery.start_soon(self._deliver, claim)
        return min(pause, _LONGEST_PAUSE)

    async def _deliver(self, claim: Claim) -> None:
        finished: FinishedAttempt | None = None
        try:
            finished = await self._attempt(claim)
            if finished is not None:
                await self._records.record(finished)
        finally:
            if finished is not None and finished.result.delivered:
                self._unrecorded -= 1
            else:
                self._in_flight -= 1
            self._wakeup.notify()
            self._settled.notify()

    async def _attempt(self, claim: Claim) -> FinishedAttempt | None:
        """Make one attempt; a success frees its slot before it is recorded."""
        finished = await self._flow.attempt(claim)
        if finished is not None and finished.result.delivered:
            self._in_flight -= 1
            self._unrecorded += 1
            self._wakeup.notify()
        return finished
