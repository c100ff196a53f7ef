"""A lane: the worker that delivers to one endpoint, or to the callbacks signed as for one.

A lane claims due deliveries from the store, as many as its flow control allows, and runs an
attempt for each. Between claims it sleeps until it is woken or the next delivery is due, at most
a minute. An endpoint that hangs fills its own lane only. The next attempt does not wait until a
success is recorded: successes are recorded together, and the number of unrecorded ones is bounded.
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

    def next(self, in_flight: int) -> Claim | None:
        """Return a claim that was made ahead, if its attempt may be made now."""

    async def release(self) -> None:
        """Take back the claims that were made ahead; raises StoreError."""


class Records(Protocol):
    """Records attempts (`notifier.delivery.attempt.AttemptRunner`)."""

    async def record(self, finished: FinishedAttempt) -> None:
        """Record an attempt; return once that is durable."""

    async def record_received(self, finished: Sequence[FinishedAttempt]) -> None:
        """Record attempts that were received; return once that is durable."""


class Lane:
    """Delivers what `flow` claims; `settled` is notified after every attempt."""

    def __init__(self, name: str, flow: Flow, records: Records, settled: Wakeup) -> None:
        self._flow = flow
        self._records = records
        self._settled = settled
        self._wakeup = Wakeup()
        self._in_flight = 0
        self._unrecorded = 0
        self._received: list[FinishedAttempt] = []
        self._is_recording = False
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
            await self._release()

    async def _release(self) -> None:
        """Take back what was claimed ahead: the endpoint may come back before the next start."""
        failures = 0
        while True:
            try:
                await self._flow.release()
            except StoreError as error:
                failures += 1
                pause = growing(_STORE_PAUSE, failures, _LONGEST_STORE_PAUSE)
                self._log.error("lane_waits_for_store", reason=str(error), wait=pause)
                await trio.sleep(pause)
            else:
                return

    async def _take_due(self, nursery: trio.Nursery) -> float:
        """Start attempts at what is due; return the seconds until the next look, at most 60."""
        most = MOST_UNRECORDED - self._unrecorded
        if most <= 0:
            return _LONGEST_PAUSE
        claims, pause = await self._flow.claim(self._in_flight, most)
        for claim in claims:
            self._in_flight += 1
            nursery.start_soon(self._work, nursery, claim)
        return min(pause, _LONGEST_PAUSE)

    async def _work(self, nursery: trio.Nursery, first: Claim) -> None:
        """Deliver `first`, then what was claimed ahead, as long as flow control allows."""
        claim: Claim | None = first
        while claim is not None:
            await self._deliver(nursery, claim)
            claim = None
            if not self._stopping and self._unrecorded < MOST_UNRECORDED:
                claim = self._flow.next(self._in_flight)
            if claim is not None:
                self._in_flight += 1
        self._wakeup.notify()

    async def _deliver(self, nursery: trio.Nursery, claim: Claim) -> None:
        """Make one attempt; a success frees its slot before it is recorded."""
        try:
            finished = await self._flow.attempt(claim)
            if finished is not None and finished.result.delivered:
                self._unrecorded += 1
                self._received.append(finished)
                if not self._is_recording:
                    self._is_recording = True
                    nursery.start_soon(self._record_received)
            elif finished is not None:
                await self._records.record(finished)
        finally:
            self._in_flight -= 1
            self._settled.notify()

    async def _record_received(self) -> None:
        """Record what was received, all that has come together at a time."""
        try:
            while self._received:
                finished, self._received = self._received, []
                await self._records.record_received(finished)
                self._unrecorded -= len(finished)
                self._wakeup.notify()
                self._settled.notify()
        finally:
            self._is_recording = False
