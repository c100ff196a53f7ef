"""A lane: the worker that delivers to one endpoint.

A lane claims due deliveries from the store, as many as `max_concurrency` and the endpoint's
circuit allow, and runs an attempt for each. Between claims it sleeps until it is woken or the
next delivery is due, at most a minute. An endpoint that hangs fills its own lane only. The next
attempt does not wait until a success is recorded, so that records share commits; the number of
unrecorded successes is bounded.
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

_LONGEST_PAUSE = 60.0
_STORE_PAUSE = 1.0
_LONGEST_STORE_PAUSE = 30.0

MOST_UNRECORDED = 64
"""How many successes of one lane may be unrecorded before it claims nothing more."""


@dataclass(frozen=True, slots=True)
class LaneRules:
    """How much may go to one endpoint: attempts in flight, and attempts a second (or None).

    Without a circuit a failure holds no other attempt back. That suits callbacks, whose URLs
    have nothing in common.
    """

    endpoint: str
    max_concurrency: int
    max_per_second: float | None = None
    has_circuit: bool = True


class Attempts(Protocol):
    """Makes and records attempts (`notifier.delivery.attempt.AttemptRunner`)."""

    async def attempt(self, claim: Claim) -> FinishedAttempt:
        """Make one attempt."""

    async def record(self, finished: FinishedAttempt) -> None:
        """Record an attempt; return once that is durable."""


class DueStore(Protocol):
    """The part of the store from which due deliveries are claimed."""

    async def claim_due(self, endpoint: str, limit: int) -> list[Claim]:
        """Claim up to `limit` due deliveries; they are in flight from then on."""

    async def next_due(self, endpoint: str) -> float | None:
        """Return when the next delivery that is not in flight is due."""


class Lane:
    """Delivers to one endpoint; `settled` is notified after every attempt."""

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
        self._claimed_at = math.inf
        self._limiter = RateLimiter(rules.max_per_second) if rules.max_per_second else None
        self._log = log.get(endpoint=rules.endpoint)
        self._metrics.endpoint_failing(rules.endpoint, failing=False)

    def change(self, rules: LaneRules, *, new_url: bool) -> None:
        """Use other rules from now on; with `new_url` the circuit starts closed."""
        if rules.max_per_second != self._rules.max_per_second:
            self._limiter = RateLimiter(rules.max_per_second) if rules.max_per_second else None
        self._rules = rules
        if new_url:
            self.reset()
        self._wakeup.notify()

    def lateness(self) -> float:
        """Return how overdue the next claim is, in seconds; 0 or less if it is in time."""
        return trio.current_time() - self._claimed_at - _LONGEST_PAUSE

    @property
    def is_failing(self) -> bool:
        """Whether the circuit is open."""
        return self._circuit.is_open

    def reset(self) -> None:
        """Close the circuit, as for an endpoint that has never failed."""
        self._circuit = Circuit(self._rng)
        self._wakeup.notify()

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
        free = self._rules.max_concurrency - self._in_flight
        free = min(free, MOST_UNRECORDED - self._unrecorded)
        if free <= 0:
            return _LONGEST_PAUSE
        now = trio.current_time()
        room = int(min(free, self._circuit.room(now, self._in_flight)))
        claims = await self._store.claim_due(self._rules.endpoint, room) if room else []
        for claim in claims:
            self._in_flight += 1
            self._circuit.started(now)
            nursery.start_soon(self._deliver, claim)
        if len(claims) == room:
            return min(self._circuit.wait(now), _LONGEST_PAUSE)
        due = await self._store.next_due(self._rules.endpoint)
        return _LONGEST_PAUSE if due is None else min(due - self._clock.now(), _LONGEST_PAUSE)

    async def _deliver(self, claim: Claim) -> None:
        finished: FinishedAttempt | None = None
        try:
            finished = await self._attempt(claim)
            await self._runner.record(finished)
        finally:
            if finished is not None and finished.result.delivered:
                self._unrecorded -= 1
            else:
                self._in_flight -= 1
            self._wakeup.notify()
            self._settled.notify()

    async def _attempt(self, claim: Claim) -> FinishedAttempt:
        """Make one attempt; a success frees its slot before it is recorded."""
        if self._limiter is not None:
            await self._limiter.acquire()
        finished = await self._runner.attempt(claim)
        self._note(finished.result)
        if finished.result.delivered:
            self._in_flight -= 1
            self._unrecorded += 1
            self._wakeup.notify()
        return finished

    def _note(self, result: Result) -> None:
        """Update the circuit, and log when it opens or closes."""
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
