"""Flow control of an endpoint: how many attempts may be under way, at what rate, and when.

While all attempts succeed and nothing limits their rate, deliveries are claimed ahead. The first
failure ends that, and what was claimed ahead is taken back: it was never sent.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import trio

from notifier import log
from notifier.delivery.attempt import FinishedAttempt, Result
from notifier.delivery.circuit import Circuit
from notifier.delivery.claims_ahead import MOST_AHEAD, ClaimsAhead
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

    async def release(self, claims: Sequence[Claim]) -> None:
        """Take claims back whose attempts were not begun."""


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
        self._ahead = ClaimsAhead()
        self._must_release = False
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
        """Claim deliveries for attempts now, at most `most`, and some ahead if all goes well."""
        now = trio.current_time()
        room = self._circuit.room(now, in_flight)
        if not self._goes_well(room):
            await self.release()
            self._must_release = False
        free = max(int(min(self._rules.max_concurrency - in_flight, most, room)), 0)
        ahead = self._ahead.wanted(now) if self._goes_well(room) else 0
        wanted = free + ahead - len(self._ahead)
        is_enough = wanted <= 0 or (not free and len(self._ahead) > ahead // 2)
        claims = [] if is_enough else await self._store.claim_due(self._rules.endpoint, wanted)
        self._ahead.add(claims)
        pause = self._circuit.wait(now)
        was_all = False
        if not is_enough and len(claims) < wanted:
            # if this fails, the claims are still held
            due = await self._store.next_due(self._rules.endpoint)
            pause = math.inf if due is None else due - self._clock.now()
            was_all = pause > 0
        startable = self._ahead.take(free)
        for _ in startable:
            self._circuit.started(now)
        return Claimed(startable, pause, was_all)

    def _goes_well(self, room: float) -> bool:
        return not self._must_release and math.isinf(room) and self._limiter is None

    def next(self, in_flight: int) -> Claim | None:
        """Return a claim that is held, if its attempt may be made now."""
        now = trio.current_time()
        if in_flight >= self._rules.max_concurrency:
            return None
        if not self._goes_well(self._circuit.room(now, in_flight)):
            return None
        claims = self._ahead.take(1)
        for _ in claims:
            self._circuit.started(now)
        return claims[0] if claims else None

    def has_room(self, in_flight: int) -> bool:
        """Return whether a new delivery may be claimed for an attempt now or soon."""
        now = trio.current_time()
        if not self._goes_well(self._circuit.room(now, in_flight)):
            return False
        return in_flight + len(self._ahead) < self._rules.max_concurrency + MOST_AHEAD

    def hold(self, claim: Claim) -> None:
        """Take a claim that was made for this lane elsewhere, for `next`."""
        self._ahead.add([claim])

    @property
    def holds_claims(self) -> bool:
        """Whether there are claims whose attempts have not begun."""
        return len(self._ahead) > 0

    async def release(self) -> None:
        """Take back the claims that are held; raises StoreError."""
        claims = self._ahead.take(len(self._ahead))
        if not claims:
            return
        try:
            await self._store.release(claims)
        except BaseException:
            self._ahead.put_back(claims)
            raise

    async def attempt(self, claim: Claim) -> FinishedAttempt:
        """Make one attempt as soon as the rate limit allows."""
        if self._limiter is not None:
            await self._limiter.acquire()
        finished = await self._runner.attempt(claim)
        if finished.result.delivered:
            self._ahead.count_success()
        else:
            self._ahead.restart(trio.current_time())
            self._must_release = True
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
