"""Flow control of an endpoint: how many attempts may be under way, at what rate, and when."""

import math
from dataclasses import dataclass
from random import Random
from typing import Protocol

import trio

from notifier import log
from notifier.delivery.attempt import FinishedAttempt, Result
from notifier.delivery.circuit import Circuit
from notifier.delivery.lane import Claimed
from notifier.metrics import Metrics
from notifier.model.delivery import Claim
from notifier.rate_limiter import RateLimiter
from notifier.schedule.clock import Clock


@dataclass(frozen=True, slots=True)
class LaneRules:
    """How much may go to one endpoint: attempts in flight, and attempts a second (or None)."""

    endpoint: str
    max_concurrency: int
    max_per_second: float | None = None


class Attempts(Protocol):
    """Makes attempts (`notifier.delivery.attempt.AttemptRunner`)."""

    async def attempt(self, claim: Claim) -> FinishedAttempt:
        """Make one attempt."""


class DueStore(Protocol):
    """The part of the store from which due deliveries are claimed."""

    async def claim_due(self, endpoint: str, limit: int) -> list[Claim]:
        """Claim up to `limit` due deliveries; they are in flight from then on."""

    async def next_due(self, endpoint: str) -> float | None:
        """Return when the next delivery that is not in flight is due."""


class EndpointFlow:
    """Claims what `rules` and the endpoint's circuit allow."""

    def __init__(
        self,
        rules: LaneRules,
        runner: Attempts,
        store: DueStore,
        *,
        clock: Clock,
        rng: Random,
        metrics: Metrics | None = None,
    ) -> None:
        self._rules = rules
        self._runner = runner
        self._store = store
        self._clock = clock
        self._rng = rng
        self._metrics = metrics or Metrics()
        self._circuit = Circuit(rng)
        self._limiter = RateLimiter(rules.max_per_second) if rules.max_per_second else None
        self._log = log.get(endpoint=rules.endpoint)
        self._metrics.endpoint_failing(rules.endpoint, failing=False)

    @property
    def is_failing(self) -> bool:
        """Whether the circuit is open."""
        return self._circuit.is_open

    def change(self, rules: LaneRules, *, new_url: bool) -> None:
        """Use other rules from now on; with `new_url` the circuit starts closed."""
        if rules.max_per_second != self._rules.max_per_second:
            self._limiter = RateLimiter(rules.max_per_second) if rules.max_per_second else None
        self._rules = rules
        if new_url:
            self.reset()

    def reset(self) -> None:
        """Close the circuit, as for an endpoint that has never failed."""
        self._circuit = Circuit(self._rng)

    async def claim(self, in_flight: int, most: int) -> Claimed:
        """Claim deliveries for attempts now, at most `most`."""
        free = min(self._rules.max_concurrency - in_flight, most)
        if free <= 0:
            return Claimed((), math.inf)
        now = trio.current_time()
        room = int(min(free, self._circuit.room(now, in_flight)))
        claims = await self._store.claim_due(self._rules.endpoint, room) if room else []
        for _ in claims:
            self._circuit.started(now)
        if len(claims) == room:
            return Claimed(claims, self._circuit.wait(now))
        due = await self._store.next_due(self._rules.endpoint)
        return Claimed(claims, math.inf if due is None else due - self._clock.now())

    async def attempt(self, claim: Claim) -> FinishedAttempt:
        """Make one attempt as soon as the rate limit allows."""
        if self._limiter is not None:
            await self._limiter.acquire()
        finished = await self._runner.attempt(claim)
        self._note(finished.result)
        return finished

    def _note(self, result: Result) -> None:
        """Update the circuit, and log when it opens or closes."""
        if result.delivered is None:
            return
        now = trio.current_time()
        if result.delivered:
            if self._circuit.succeeded(now):
                self._log.warning("endpoint_answers_again")
        elif self._circuit.failed(now, result.retry_after):
            wait = round(self._circuit.wait(now), 1)
            self._log.warning("endpoint_failing", next_probe_in=wait)
        self._metrics.endpoint_failing(self._rules.endpoint, failing=self._circuit.is_open)
