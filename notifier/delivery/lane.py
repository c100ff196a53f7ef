"""A lane: everything that goes to one endpoint, and nothing else.

A lane takes what is due from the store, as much as `max_concurrency` and the endpoint's
circuit allow, and has it delivered. It sleeps until the store says that something is due, and
looks at least once a minute all the same. An endpoint that hangs fills its own lane only. The
next attempt does not wait for the record of a success, so that records share commits; when the
store is slow, a bounded number of them waits.
"""

import math
from dataclasses import dataclass
from random import Random
from typing import Protocol

import trio

from notifier import log
from notifier.delivery.attempt import FinishedAttempt, Result
from notifier.delivery.circuit import Circuit
from notifier.errors import StoreError
from notifier.metrics import Metrics
from notifier.model.delivery import Claim
from notifier.rate_limiter import RateLimiter
from notifier.schedule.backoff import growing
from notifier.schedule.clock import Clock
from notifier.wakeup import Wakeup

_LOOK_AGAIN = 60.0
_STORE_PAUSE = 1.0
_LONGEST_STORE_PAUSE = 30.0

MOST_UNRECORDED = 64
"""How many successes of one lane may wait for their record before it takes nothing more on."""


@dataclass(frozen=True, slots=True)
class LaneRules:
    """How much may go to one endpoint: attempts in flight, and attempts a second (or None).

    Without a circuit a failure holds nothing else back: for URLs that have nothing in common.
    """

    endpoint: str
    max_concurrency: int
    max_per_second: float | None = None
    has_circuit: bool = True


class Attempts(Protocol):
    """What a lane needs done; see `notifier.delivery.attempt`."""

    async def attempt(self, claim: Claim) -> FinishedAttempt:
        """Make one attempt."""

    async def record(self, answered: FinishedAttempt) -> None:
        """Record an attempt; returns when that is durable."""


class DueStore(Protocol):
    """What a lane needs of the store."""

    async def claim_due(self, endpoint: str, limit: int) -> list[Claim]:
        """Take up to `limit` due deliveries into flight."""

    async def next_due(self, endpoint: str) -> float | None:
        """Return when the next delivery that is not in flight is due."""


class Lane:
    """Delivers to one endpoint; `settled` is rung whenever a delivery has moved on."""

    def __init__(
        self,
        rules: LaneRules,
        runner: Attempts,
        store: DueStore,
        *,
        clock: Clock,
        rng: Random,
        settled: Wakeup,
        metrics: Metrics | None = None,
    ) -> None:
        self._rules = rules
        self._runner = runner
        self._store = store
        self._clock = clock
        self._settled = settled
        self._rng = rng
        self._metrics = metrics or Metrics()
        self._circuit = Circuit(rng)
        self._wakeup = Wakeup()
        self._in_flight = 0
        self._unrecorded = 0
        self._stopping = False
        self._looked = math.inf
        self._limiter = RateLimiter(rules.max_per_second) if rules.max_per_second else None
        self._log = log.get(endpoint=rules.endpoint)
        self._metrics.endpoint_failing(rules.endpoint, failing=False)

    def change(self, rules: LaneRules, *, elsewhere: bool) -> None:
        """Deliver by other rules from now on; `elsewhere` forgets how the endpoint has done."""
        if rules.max_per_second != self._rules.max_per_second:
            self._limiter = RateLimiter(rules.max_per_second) if rules.max_per_second else None
        self._rules = rules
        if elsewhere:
            self.reset()
        self._wakeup.notify()

    def lateness(self) -> float:
        """Return by how many seconds the lane has missed its next look; not above 0 if in time."""
        return trio.current_time() - self._looked - _LOOK_AGAIN

    @property
    def is_failing(self) -> bool:
        """Whether only single probes go out."""
        return self._circuit.is_open

    def reset(self) -> None:
        """Deliver as to an endpoint that has never failed."""
        self._circuit = Circuit(self._rng)
        self._wakeup.notify()

    def wake(self) -> None:
        """Hint that something may be due."""
        self._wakeup.notify()

    def stop(self) -> None:
        """Take nothing more on; `run` returns when what is in flight has been recorded."""
        self._stopping = True
        self._wakeup.notify()

    async def run(self) -> None:
        """Deliver until told to stop."""
        troubles = 0
        async with trio.open_nursery() as nursery:
            while not self._stopping:
                self._looked = trio.current_time()
                try:
                    pause = await self._take_due(nursery)
                    troubles = 0
                except StoreError as error:
                    troubles += 1
                    pause = growing(_STORE_PAUSE, troubles, _LONGEST_STORE_PAUSE)
                    self._log.error("lane_waits_for_store", reason=str(error), wait=pause)
                await self._wakeup.wait(pause)

    async def _take_due(self, nursery: trio.Nursery) -> float:
        """Start what is due and return how long there is nothing to do, at most a minute."""
        free = self._rules.max_concurrency - self._in_flight
        free = min(free, MOST_UNRECORDED - self._unrecorded)
        if free <= 0:
            return _LOOK_AGAIN
        now = trio.current_time()
        room = int(min(free, self._circuit.room(now, self._in_flight)))
        claims = await self._store.claim_due(self._rules.endpoint, room) if room else []
        for claim in claims:
            self._in_flight += 1
            self._circuit.started(now)
            nursery.start_soon(self._deliver, claim)
        if len(claims) == room:
            return min(self._circuit.wait(now), _LOOK_AGAIN)
        due = await self._store.next_due(self._rules.endpoint)
        return _LOOK_AGAIN if due is None else min(due - self._clock.now(), _LOOK_AGAIN)

    async def _deliver(self, claim: Claim) -> None:
        answered: FinishedAttempt | None = None
        try:
            answered = await self._attempt(claim)
            await self._runner.record(answered)
        finally:
            if answered is not None and answered.result.delivered:
                self._unrecorded -= 1
            else:
                self._in_flight -= 1
            self._wakeup.notify()
            self._settled.notify()

    async def _attempt(self, claim: Claim) -> FinishedAttempt:
        """Make one attempt; one that succeeded leaves its place before it is recorded."""
        if self._limiter is not None:
            await self._limiter.acquire()
        answered = await self._runner.attempt(claim)
        self._note(answered.result)
        if answered.result.delivered:
            self._in_flight -= 1
            self._unrecorded += 1
            self._wakeup.notify()
        return answered

    def _note(self, result: Result) -> None:
        """Tell the circuit, and the log when that changed anything."""
        if not self._rules.has_circuit or result.delivered is None:
            return
        now = trio.current_time()
        if result.delivered:
            if self._circuit.succeeded(now):
                self._log.warning("endpoint_answers_again")
        elif self._circuit.failed(now, result.retry_after):
            wait = round(self._circuit.wait(now), 1)
            self._log.warning("endpoint_failing", next_probe_in=wait)
        self._metrics.endpoint_failing(self._rules.endpoint, failing=self._circuit.is_open)
