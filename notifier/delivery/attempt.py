"""One attempt from the claim to the record: send, decide, commit, say.

Whatever happens to an attempt, its row decides: what is in flight when the process dies, or
when the drain runs out of time, is still in the store and is sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol, cast

import trio

from notifier import log
from notifier.delivery.disable_policy import after_failure, after_success, is_hopeless
from notifier.delivery.endpoint_notices import EndpointNotices
from notifier.delivery.response_policy import settle
from notifier.errors import StoreError
from notifier.model.delivery import (
    AttemptRecord,
    Claim,
    DeadLetter,
    Delivered,
    Format,
    Hold,
    RetryAt,
    Settlement,
)
from notifier.model.event import NewEvent
from notifier.model.health import Health
from notifier.schedule.backoff import growing, jittered
from notifier.schedule.clock import Clock

_STORE_PAUSE = 1.0
_LONGEST_STORE_PAUSE = 30.0
OUR_TROUBLE = "resources"
"""The outcome of an attempt that this machine could not make; see `notifier.http_client`."""

_OUR_PAUSE = 2.0
_HOPELESS = "no attempt succeeded for five days"


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How to deliver to one endpoint; `retry_schedule` has the waits between attempts.

    `to_callbacks`: deliveries have URLs of their own, so one that fails says nothing about the
    others, and nothing is ever disabled or held.
    """

    endpoint: str
    format: Format
    retry_schedule: Sequence[float]
    to_callbacks: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What an attempt says about its endpoint; `retry_after` is what the receiver asked for.

    `delivered` is None when it says nothing: the trouble was our own.
    """

    delivered: bool | None
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class FinishedAttempt:
    """An attempt that is over, to be recorded as it was decided, also if that takes a while."""

    result: Result
    claim: Claim
    attempt: AttemptRecord
    settlement: Settlement
    health: Health
    notice: NewEvent | None


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
    """What a delivery needs of the webhook door."""

    async def send(self, event_id: str, body: bytes) -> Outcome:
        """Make one attempt."""


class CallbackSender(Sender, Protocol):
    """A sender that can send to other URLs, too."""

    def at(self, url: str) -> Sender:
        """Return a sender to `url`."""


class AttemptStore(Protocol):
    """What a delivery needs of the store."""

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None,
    ) -> bool:
        """Commit an attempt and what follows from it; tell whether the notice was news."""


class AttemptRunner:
    """Delivers to one endpoint; `health` is what is known of it from before."""

    def __init__(
        self,
        rules: DeliveryRules,
        sender: Sender,
        store: AttemptStore,
        notices: EndpointNotices,
        *,
        health: Health,
        clock: Clock,
        rng: Random,
    ) -> None:
        self._rules = rules
        self._sender = sender
        self._store = store
        self._notices = notices
        self._health = health
        self._clock = clock
        self._rng = rng
        self._log = log.get(endpoint=rules.endpoint)

    def change(self, rules: DeliveryRules, sender: Sender, health: Health) -> None:
        """Deliver by other rules from now on; an attempt under way is finished as it began."""
        self._rules, self._sender, self._health = rules, sender, health

    def forgive(self, health: Health) -> None:
        """Begin anew with the endpoint's `health`."""
        self._health = health

    @property
    def health(self) -> Health:
        """How the endpoint has been doing."""
        return self._health

    async def attempt(self, claim: Claim) -> FinishedAttempt:
        """Make one attempt, and decide what follows from it; `record` has to be told."""
        mark = self._health.url_mark
        attempt, retry_after = await self._attempt(claim)
        settlement = self._settlement(claim, attempt, retry_after, mark)
        notice = self._notice(settlement)
        result = Result(isinstance(settlement, Delivered), retry_after)
        if attempt.outcome == OUR_TROUBLE:
            result = Result(None, None)
        if isinstance(settlement, Delivered):
            self._health = after_success(self._health)
        return FinishedAttempt(result, claim, attempt, settlement, self._health, notice)

    async def record(self, answered: FinishedAttempt) -> None:
        """Record an attempt; returns when that is durable."""
        settlement, notice = answered.settlement, answered.notice
        if await self._record(answered) and notice is not None:
            reason = settlement.reason if isinstance(settlement, Hold) else None
            self._notices.announce(notice, self._rules.endpoint, reason)
        self._report(answered.claim, answered.attempt, settlement)

    async def _attempt(self, claim: Claim) -> tuple[AttemptRecord, float | None]:
        wall, started = self._clock.wall(), trio.current_time()
        try:
            outcome = await self._sender_for(claim).send(claim.event_id, claim.body)
            word, status = outcome.word, outcome.status
            detail, retry_after = outcome.detail, outcome.retry_after
        except Exception as bug:  # noqa: BLE001 - one poisoned event must not stop the lane
            self._log.exception("attempt_crashed", event_id=claim.event_id)
            word, status, detail, retry_after = "crash", None, type(bug).__name__, None
        duration = round((trio.current_time() - started) * 1000)
        return AttemptRecord(wall, duration, word, status, detail), retry_after

    def _sender_for(self, claim: Claim) -> Sender:
        """Return what sends to the claim's URL; a callback never goes to the endpoint's own."""
        if not self._rules.to_callbacks:
            return self._sender
        return cast("CallbackSender", self._sender).at(claim.url or "")

    def _settlement(
        self, claim: Claim, attempt: AttemptRecord, retry_after: float | None, mark: str
    ) -> Settlement:
        """Decide what becomes of the delivery, and note what it says about the endpoint."""
        now = self._clock.now()
        if attempt.outcome == OUR_TROUBLE:
            return RetryAt(now + jittered(_OUR_PAUSE, self._rng), free=True)
        settlement = settle(
            self._rules.format,
            attempt.status,
            attempt.outcome,
            failures=claim.failures,
            schedule=self._rules.retry_schedule,
            retry_after=retry_after,
            now=now,
            rng=self._rng,
        )
        if isinstance(settlement, Delivered):
            return settlement
        if self._rules.to_callbacks:
            return DeadLetter(settlement.reason) if isinstance(settlement, Hold) else settlement
        if self._health.url_mark != mark:
            return RetryAt(now)  # that was another URL: the one of now has not been tried
        self._health = after_failure(self._health, now, self._rules.retry_schedule)
        return Hold(_HOPELESS) if is_hopeless(self._health) else settlement

    async def _record(self, record: FinishedAttempt) -> bool:
        """Record until it is recorded: forgetting a 2xx would send the event again."""
        failures = 0
        while True:
            try:
                return await self._store.record_attempt(
                    record.claim,
                    record.attempt,
                    record.settlement,
                    None if self._rules.to_callbacks else record.health,
                    record.notice,
                )
            except StoreError as error:
                failures += 1
                self._log.error(
                    "attempt_not_recorded", event_id=record.claim.event_id, reason=str(error)
                )
                pause = growing(_STORE_PAUSE, failures, _LONGEST_STORE_PAUSE)
                await trio.sleep(jittered(pause, self._rng))

    def _notice(self, settlement: Settlement) -> NewEvent | None:
        match settlement:
            case Hold(reason):
                return self._notices.disabled(self._rules.endpoint, reason, self._health)
            case Delivered() if self._health.recovering:
                return self._notices.recovered(self._rules.endpoint)
        return None

    def _report(self, claim: Claim, attempt: AttemptRecord, settlement: Settlement) -> None:
        fields: dict[str, object] = {
            "event_id": claim.event_id,
            "type": claim.event_type,
            **claim.subject,
            "attempt": claim.attempt,
            "outcome": attempt.outcome,
            "duration_ms": attempt.duration_ms,
        }
        if attempt.detail:
            fields["detail"] = attempt.detail
        match settlement:
            case RetryAt(at=at):
                wait = round(at - self._clock.now(), 1)
                self._log.warning("attempt", **fields, next_attempt_in=wait)
            case DeadLetter(reason):
                self._log.error("attempt", **fields, dead_letter=reason)
            case Hold(reason):
                self._log.error("attempt", **fields, held=reason)
            case _:
                self._log.info("attempt", **fields)
