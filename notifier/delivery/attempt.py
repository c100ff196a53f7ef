"""One attempt, from the claim to the record: send, decide, commit, log.

The row in the store is the truth. An attempt that is in flight when the process dies, or when the
drain runs out of time, is still pending in the store and is sent again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import NamedTuple, Protocol, cast

import trio

from notifier import log
from notifier.delivery.disable_policy import after_failure, after_success, is_hopeless
from notifier.delivery.endpoint_notices import EndpointNotices
from notifier.delivery.response_policy import Response, ResponsePolicy
from notifier.delivery.until_stored import until_stored
from notifier.errors import DeferredError
from notifier.model.delivery import (
    NOT_RENDERED,
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
from notifier.net import Admission
from notifier.schedule.backoff import jittered
from notifier.schedule.clock import Clock

OUR_TROUBLE = "resources"
"""The outcome of an attempt for which this machine lacked resources (`notifier.http_client`)."""

_NOTHING_SENT = frozenset({OUR_TROUBLE, NOT_RENDERED})  # they say nothing about the receiver
_OUR_PAUSE = 2.0
_HOPELESS = "no attempt succeeded for five days"


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How to deliver to one endpoint; `retry_schedule` has the waits between attempts, in seconds.

    With `to_callbacks` each delivery has a URL of its own. A failure then says nothing about
    the other deliveries, and nothing is ever disabled or held.
    """

    endpoint: str
    format: Format
    retry_schedule: Sequence[float]
    to_callbacks: bool = False


class Result(NamedTuple):
    """What an attempt says about its endpoint.

    `delivered` is None when it says nothing, because the trouble was on this machine.
    `retry_after` is the wait that the receiver asked for, in seconds.
    """

    delivered: bool | None
    retry_after: float | None


class FinishedAttempt(NamedTuple):
    """An attempt that is over, and what was decided; `notice` is an event about the endpoint."""

    result: Result
    claim: Claim
    attempt: AttemptRecord
    settlement: Settlement
    health: Health
    notice: NewEvent | None


class Outcome(Protocol):
    """What a sender returns for one attempt (`notifier.webhook.Outcome`)."""

    @property
    def word(self) -> str:
        """One word for logs."""

    @property
    def status(self) -> int | None:
        """The HTTP status of a complete answer."""

    @property
    def retry_after(self) -> float | None:
        """The wait that the receiver asked for, in seconds."""

    @property
    def detail(self) -> str:
        """Why it was not delivered, in the receiver's words or in ours, free of secrets."""

    @property
    def code(self) -> str:
        """The refusal that the service states in its answer, "" for none."""


class Sender(Protocol):
    """Sends webhooks to one URL."""

    async def send(self, event_id: str, body: bytes) -> Outcome:
        """Make one attempt."""


class CallbackSender(Sender, Protocol):
    """A sender that can also send to other URLs."""

    def at(self, url: str, admission: Admission | None) -> Sender:
        """Return a sender to `url`, with what `admission` grants."""


class TemplateSender(Sender, Protocol):
    """A sender that can also apply its endpoint's template."""

    async def rendered(self, standard: bytes) -> bytes | Outcome:
        """Return what the template makes of a `standard` body, or why it makes nothing."""


class AttemptStore(Protocol):
    """The part of the store in which attempts are recorded."""

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None,
    ) -> bool:
        """Commit an attempt and what follows from it; return whether the notice was recorded."""

    async def record_delivered(self, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
        """Commit attempts that were received."""

    async def keep_rendering(self, claim: Claim, body: bytes) -> None:
        """Commit what a template made as the body of a delivery: no attempt sends another one."""


class AttemptRunner:
    """Makes attempts at one endpoint; `health` is its health when the runner starts."""

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
        """Use other rules for the next attempts; an attempt in flight keeps its own."""
        self._rules, self._sender, self._health = rules, sender, health

    def reset_health(self, health: Health) -> None:
        """Replace what is known of the endpoint's health."""
        self._health = health

    @property
    def health(self) -> Health:
        """The endpoint's health after the attempts so far."""
        return self._health

    async def attempt(self, claim: Claim, admission: Admission | None = None) -> FinishedAttempt:
        """Make one attempt and decide what follows from it; the caller passes it to `record`.

        With an `admission`, which callbacks have, it may be deferred: then DeferredError is
        raised, and the claim is to be taken back.
        """
        mark = self._health.url_mark
        attempt, response = await self._attempt(claim, admission)
        settlement = self._settlement(claim, response, mark)
        notice = self._notice(settlement)
        result = Result(isinstance(settlement, Delivered), response.retry_after)
        if response.word in _NOTHING_SENT:
            result = Result(None, None)
        if isinstance(settlement, Delivered):
            self._health = after_success(self._health)
        return FinishedAttempt(result, claim, attempt, settlement, self._health, notice)

    async def record(self, finished: FinishedAttempt) -> None:
        """Record an attempt; return once that is durable."""
        settlement, notice = finished.settlement, finished.notice
        if await self._record(finished) and notice is not None:
            reason = settlement.reason if isinstance(settlement, Hold) else None
            self._notices.announce(notice, self._rules.endpoint, reason)
        self._log_attempt(finished.claim, finished.attempt, settlement)

    async def record_received(self, finished: Sequence[FinishedAttempt]) -> None:
        """Record attempts that were received; return once that is durable."""
        plain = []
        for each in finished:
            if each.notice is not None or self._rules.to_callbacks:
                # first, because any other success would tell the store that nothing is new
                await self.record(each)
            else:
                plain.append(each)
        if not plain:
            return
        made = [(each.claim, each.attempt) for each in plain]
        await until_stored(
            lambda: self._store.record_delivered(made),
            self._log,
            plain[0].claim.event_id,
            self._rng,
        )
        for each in plain:
            self._log_attempt(each.claim, each.attempt, each.settlement)

    async def _attempt(
        self, claim: Claim, admission: Admission | None
    ) -> tuple[AttemptRecord, Response]:
        wall, started = self._clock.wall(), trio.current_time()
        try:
            sent = await self._send(claim, admission)
            response = Response(sent.word, sent.status, sent.retry_after, sent.detail, sent.code)
        except DeferredError:
            raise
        except Exception as bug:  # noqa: BLE001 - one poisoned event must not stop the lane
            self._log.exception("attempt_crashed", event_id=claim.event_id)
            response = Response("crash", detail=type(bug).__name__)
        ms = round((trio.current_time() - started) * 1000)
        return AttemptRecord(wall, ms, response.word, response.status, response.detail), response

    async def _send(self, claim: Claim, admission: Admission | None) -> Outcome:
        if self._rules.format is not Format.TEMPLATE or claim.from_template:
            return await self._sender_for(claim, admission).send(claim.event_id, claim.body)
        sender = cast("TemplateSender", self._sender)
        body = await sender.rendered(claim.body)
        if not isinstance(body, bytes):
            return body
        keep = partial(self._store.keep_rendering, claim, body)
        await until_stored(keep, self._log, claim.event_id, self._rng)
        return await sender.send(claim.event_id, body)

    def _sender_for(self, claim: Claim, admission: Admission | None) -> Sender:
        """Return a sender to the claim's URL; a callback never goes to the endpoint's URL."""
        if not self._rules.to_callbacks:
            return self._sender
        return cast("CallbackSender", self._sender).at(claim.url or "", admission)

    def _settlement(self, claim: Claim, response: Response, mark: str) -> Settlement:
        """Decide what becomes of the delivery, and update the endpoint's health."""
        now = self._clock.now()
        if response.word == OUR_TROUBLE:
            return RetryAt(now + jittered(_OUR_PAUSE, self._rng), free=True)
        policy = ResponsePolicy(self._rules.format, self._rules.retry_schedule)
        settlement = policy.settle(response, claim.failures, now=now, rng=self._rng)
        if isinstance(settlement, Delivered) or response.word == NOT_RENDERED:
            return settlement
        if self._rules.to_callbacks:
            return DeadLetter(settlement.reason) if isinstance(settlement, Hold) else settlement
        if self._health.url_mark != mark:
            return RetryAt(now)  # the URL has changed since, and the new one has not been tried
        self._health = after_failure(self._health, now, self._rules.retry_schedule)
        return Hold(_HOPELESS) if is_hopeless(self._health) else settlement

    async def _record(self, finished: FinishedAttempt) -> bool:
        """Record it however long that takes: a forgotten 2xx would send the event again."""
        return await until_stored(
            lambda: self._store.record_attempt(
                finished.claim,
                finished.attempt,
                finished.settlement,
                None if self._rules.to_callbacks else finished.health,
                finished.notice,
            ),
            self._log,
            finished.claim.event_id,
            self._rng,
        )

    def _notice(self, settlement: Settlement) -> NewEvent | None:
        match settlement:
            case Hold(reason):
                return self._notices.disabled(self._rules.endpoint, reason, self._health)
            case Delivered() if self._health.recovering:
                return self._notices.recovered(self._rules.endpoint)
        return None

    def _log_attempt(self, claim: Claim, attempt: AttemptRecord, settlement: Settlement) -> None:
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
