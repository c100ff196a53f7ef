"""A lane: everything that goes to one endpoint, and nothing else.

A lane takes what is due from the store, keeps at most `max_concurrency` attempts in flight and
records what each came to. It sleeps until the store says that something is due, and looks at
least once a minute all the same. An endpoint that hangs fills its own lane only.

Whatever happens to an attempt, its row decides: what is in flight when the process dies, or
when the drain runs out of time, is still in the store and is sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import trio

from notifier import log
from notifier.bell import Bell
from notifier.delivery.verdict import settle
from notifier.errors import StoreError
from notifier.model.delivery import (
    AttemptRecord,
    Claim,
    DeadLetter,
    Format,
    Hold,
    RetryAt,
    Settlement,
)
from notifier.schedule.backoff import growing, jittered
from notifier.schedule.clock import Clock
from notifier.schedule.pacer import Pacer

_LOOK_AGAIN = 60.0
_STORE_PAUSE = 1.0
_LONGEST_STORE_PAUSE = 30.0
_SLACK_PER_SECOND = 1.0


@dataclass(frozen=True, slots=True)
class LaneRules:
    """How to deliver to one endpoint.

    `retry_schedule` has the waits between attempts in seconds; `url_mark` stands for the URL,
    so that a disabled endpoint whose URL was changed can be told from one that was not.
    """

    endpoint: str
    format: Format
    max_concurrency: int
    retry_schedule: Sequence[float]
    url_mark: str


class Outcome(Protocol):
    """What a sender reports of one attempt; see `notifier.webhook.Outcome`."""

    @property
    def word(self) -> str:
        """One word for logs."""

    @property
    def status(self) -> int | None:
        """The HTTP status of a complete answer."""

    @property
    def retry_after(self) -> float | None:
        """How long the receiver asked to be left alone, in seconds."""

    @property
    def detail(self) -> str:
        """More about it, free of secrets."""


class Sender(Protocol):
    """What a lane needs of the webhook door."""

    async def send(self, event_id: str, body: bytes) -> Outcome:
        """Make one attempt."""


class DeliveryStore(Protocol):
    """What a lane needs of the store."""

    async def claim_due(self, endpoint: str, limit: int) -> list[Claim]:
        """Take up to `limit` due deliveries into flight."""

    async def next_due(self, endpoint: str) -> float | None:
        """Return when the next delivery that is not in flight is due."""

    async def record_attempt(
        self, claim: Claim, attempt: AttemptRecord, settlement: Settlement, url_mark: str
    ) -> None:
        """Commit an attempt and what follows from it."""


class Lane:
    """Delivers to one endpoint; `settled` is rung whenever a delivery has moved on."""

    def __init__(
        self,
        rules: LaneRules,
        sender: Sender,
        store: DeliveryStore,
        *,
        clock: Clock,
        rng: Random,
        settled: Bell,
    ) -> None:
        self._rules = rules
        self._sender = sender
        self._store = store
        self._clock = clock
        self._rng = rng
        self._settled = settled
        self._bell = Bell()
        self._in_flight = 0
        self._stopping = False
        self._pacer = Pacer(_SLACK_PER_SECOND) if rules.format is Format.SLACK else None
        self._log = log.get(endpoint=rules.endpoint)

    def wake(self) -> None:
        """Hint that something may be due."""
        self._bell.ring()

    def stop(self) -> None:
        """Take nothing more on; `run` returns when what is in flight has been recorded."""
        self._stopping = True
        self._bell.ring()

    async def run(self) -> None:
        """Deliver until told to stop."""
        troubles = 0
        async with trio.open_nursery() as nursery:
            while not self._stopping:
                try:
                    pause = await self._take_due(nursery)
                    troubles = 0
                except StoreError as error:
                    troubles += 1
                    pause = growing(_STORE_PAUSE, troubles, _LONGEST_STORE_PAUSE)
                    self._log.error("lane_waits_for_store", reason=str(error), wait=pause)
                await self._bell.wait(pause)

    async def _take_due(self, nursery: trio.Nursery) -> float:
        """Start what is due and return how long there is nothing to do, at most a minute."""
        free = self._rules.max_concurrency - self._in_flight
        if free <= 0:
            return _LOOK_AGAIN
        claims = await self._store.claim_due(self._rules.endpoint, free)
        for claim in claims:
            self._in_flight += 1
            nursery.start_soon(self._deliver, claim)
        if len(claims) == free:
            return _LOOK_AGAIN
        due = await self._store.next_due(self._rules.endpoint)
        return _LOOK_AGAIN if due is None else min(due - self._clock.now(), _LOOK_AGAIN)

    async def _deliver(self, claim: Claim) -> None:
        try:
            if self._pacer is not None:
                await trio.sleep(self._pacer.reserve(trio.current_time()))
            await self._attempt(claim)
        finally:
            self._in_flight -= 1
            self._bell.ring()
            self._settled.ring()

    async def _attempt(self, claim: Claim) -> None:
        wall, started = self._clock.wall(), trio.current_time()
        try:
            outcome = await self._sender.send(claim.event_id, claim.body)
            word, status = outcome.word, outcome.status
            detail, retry_after = outcome.detail, outcome.retry_after
        except Exception as bug:  # noqa: BLE001 - one poisoned event must not stop the lane
            self._log.exception("attempt_crashed", event_id=claim.event_id)
            word, status, detail, retry_after = "crash", None, type(bug).__name__, None
        duration = round((trio.current_time() - started) * 1000)
        settlement = settle(
            self._rules.format,
            status,
            word,
            failures=claim.failures,
            schedule=self._rules.retry_schedule,
            retry_after=retry_after,
            now=self._clock.now(),
            rng=self._rng,
        )
        record = AttemptRecord(wall, duration, word, status, detail)
        await self._record(claim, record, settlement)
        self._report(claim, record, settlement)

    async def _record(self, claim: Claim, attempt: AttemptRecord, settlement: Settlement) -> None:
        """Record until it is recorded: forgetting a 2xx would send the event again."""
        failures = 0
        while True:
            try:
                await self._store.record_attempt(claim, attempt, settlement, self._rules.url_mark)
            except StoreError as error:
                failures += 1
                self._log.error("attempt_not_recorded", event_id=claim.event_id, reason=str(error))
                pause = growing(_STORE_PAUSE, failures, _LONGEST_STORE_PAUSE)
                await trio.sleep(jittered(pause, self._rng))
            else:
                return

    def _report(self, claim: Claim, attempt: AttemptRecord, settlement: Settlement) -> None:
        fields: dict[str, object] = {
            "event_id": claim.event_id,
            "type": claim.event_type,
            "gateway": claim.gateway,
            "video_id": claim.video_id,
            "attempt": claim.attempt,
            "outcome": attempt.outcome,
            "duration_ms": attempt.duration_ms,
        }
        if attempt.detail:
            fields["detail"] = attempt.detail
        match settlement:
            case RetryAt(at):
                wait = round(at - self._clock.now(), 1)
                self._log.warning("attempt", **fields, next_attempt_in=wait)
            case DeadLetter(reason):
                self._log.error("attempt", **fields, dead_letter=reason)
            case Hold(reason):
                self._log.error("attempt", **fields, endpoint_disabled=reason)
            case _:
                self._log.info("attempt", **fields)
