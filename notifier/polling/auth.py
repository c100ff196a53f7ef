"""Judges whose fault a refusal is: that of one video, or that of the API key.

A 401 or 403 is about its own video first: a proxy may have lost the key of one upstream, and an id
may belong to another account. Its poller backs off alone. The key counts as refused only when no
video was answered since the first refusal and enough videos were refused since, see
`is_key_refused`. Then the gateway is paused, see `pause`.

What counts is when requests were *made*: an answer to an earlier request says nothing about the
key as it is now.
"""

import math
from collections.abc import Iterable
from enum import Enum
from http import HTTPStatus
from typing import Any, NamedTuple

from notifier.metrics import Metrics
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.polling.pause import PROBE_INTERVAL, AuthPause
from notifier.polling.poll_slot import PollSlot

ENOUGH = 20
"""So many refused videos stand for all."""

SETTLED_AFTER = 5.0
"""While some videos are still unrefused, no pause begins sooner after the first refusal (s)."""

_UNREADABLE = frozenset({"html", "empty", "broken_json"})


class KeyVerdict(Enum):
    """What an answer about a video says about the key."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"


def key_verdict(answer: Answer) -> KeyVerdict:
    """Return what an answer says about the key.

    A web page says nothing about it, whatever its status; nor does an error that the gateway may
    report before it looks at the key.
    """
    match answer:
        case Seen() | NotFound():
            return KeyVerdict.ACCEPTED
        case Unauthorized():
            return KeyVerdict.REFUSED
        case PollError(status=status) if status is not None:
            if status < HTTPStatus.MULTIPLE_CHOICES and answer.reason not in _UNREADABLE:
                return KeyVerdict.ACCEPTED
    return KeyVerdict.UNKNOWN


class KeyEvidence(NamedTuple):
    """What happened since the first refusal after the last accepted answer.

    `open_videos` are watched now, `good` of them were answered with this key before. `refused` and
    `good_refused` of these were refused since. `seconds` is how long ago the first refusal was.
    """

    open_videos: int
    good: int
    refused: int
    good_refused: int
    seconds: float


def is_key_refused(evidence: KeyEvidence) -> bool:
    """Return whether refusals show that the key is refused.

    All open videos were refused; or, some seconds after the first refusal, 20 of them, and with
    them all (or 20) of the videos that the key was good for before.
    """
    if evidence.refused >= evidence.open_videos:
        return evidence.refused > 0
    return (
        evidence.refused >= ENOUGH
        and evidence.good_refused >= min(evidence.good, ENOUGH)
        and evidence.seconds >= SETTLED_AFTER
    )


class AuthMonitor:
    """Collects the evidence about one gateway's key; `pause` is set while the key is refused.

    Moments are when a request was made, by `Clock.now`.
    """

    def __init__(
        self,
        gateway: str,
        metrics: Metrics,
        log: Any,  # noqa: ANN401 - structlog's loggers have no common type
    ) -> None:
        self.pause: AuthPause | None = None
        self._gateway = gateway
        self._metrics = metrics
        self._log = log
        self._accepted_at = -math.inf
        self._first_refusal: float | None = None
        self._good = self._refused = self._good_refused = 0
        metrics.gateway_paused(gateway, paused=False)

    def record_refusal(
        self, slot: PollSlot, answer: Unauthorized, at: float, open_videos: int
    ) -> None:
        """Record a refusal about a video, and begin a pause if it completes the evidence."""
        if at < self._accepted_at:
            return
        if self._first_refusal is None:
            self._first_refusal = at
        if slot.refused_at < self._first_refusal:
            self._refused += 1
            self._good_refused += slot.accepted
        slot.refused_at = at
        seconds = at - self._first_refusal
        evidence = KeyEvidence(open_videos, self._good, self._refused, self._good_refused, seconds)
        if self.pause is not None:
            self.pause.refusal = answer
        elif is_key_refused(evidence):
            self._begin_pause(answer, at)

    def record_accepted(self, slot: PollSlot | None, at: float) -> bool:
        """Record that a video was answered; return whether that ended a pause.

        `slot` is None for an answer on a list page. A request that was made before the first
        refusal says nothing about what came after.
        """
        if slot is not None:
            slot.refused_at = -math.inf
            self._good += not slot.accepted
            slot.accepted = True
        if self._first_refusal is not None and at < self._first_refusal:
            return False
        self._accepted_at = max(self._accepted_at, at)
        if self._first_refusal is None and self.pause is None:
            return False  # nearly always
        self._forget_refusals()
        return self._end_pause("the key is accepted again")

    def remove(self, slot: PollSlot) -> None:
        """Forget a video that is no longer watched."""
        self._good -= slot.accepted
        if self._first_refusal is not None and slot.refused_at >= self._first_refusal:
            self._refused -= 1
            self._good_refused -= slot.accepted
        slot.accepted, slot.refused_at = False, -math.inf

    def reset(self, slots: Iterable[PollSlot], now: float) -> bool:
        """Forget everything `now`, because the key may be another; return if a pause ended."""
        for slot in slots:
            slot.accepted = False
        self._good = 0
        self._accepted_at = now
        self._forget_refusals()
        return self._end_pause(None)

    def _forget_refusals(self) -> None:
        self._first_refusal = None
        self._refused = self._good_refused = 0

    def _begin_pause(self, answer: Unauthorized, now: float) -> None:
        first_refusal = now if self._first_refusal is None else self._first_refusal
        self.pause = AuthPause(answer, now, first_refusal)
        self._metrics.gateway_paused(self._gateway, paused=True)
        self._log.error(
            "gateway_paused",
            outcome=f"http_{answer.status}",
            detail=answer.detail,
            hint="is api_key right? No watch is lost; one request a minute tries again",
            next_try_in=PROBE_INTERVAL,
        )

    def _end_pause(self, reason: str | None) -> bool:
        if self.pause is None:
            return False
        self.pause = None
        self._metrics.gateway_paused(self._gateway, paused=False)
        if reason is not None:
            self._log.warning("gateway_resumed", outcome=reason)
        return True
