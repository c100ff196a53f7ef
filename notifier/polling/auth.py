"""Detects a refused API key, and pauses its gateway until the key is accepted again.

A 401 shows that the key is refused; so do 403s about two different videos. During the pause no
poller asks, except for one probe a minute. Probes go round the videos: those that this key may
never see must not keep the others from showing that the key is good. A refused key ends no watch.
"""

import math
from http import HTTPStatus
from typing import Any

from notifier.metrics import Metrics
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized

PROBE_INTERVAL = 60.0
"""The time between two probes of a gateway that refuses the key, in seconds."""

_FORBIDDEN_VIDEOS = 2
_NOT_FROM_THE_API = frozenset({"html", "empty", "broken_json"})


class AuthPause:
    """A time in which the key is refused; all moments are `Clock.now`.

    `refusal` is the gateway's last refusal. `probing` says that a probe is in flight.
    """

    def __init__(self, refusal: Unauthorized, now: float) -> None:
        self.refusal = refusal
        self.since = now
        self.next_probe = now + PROBE_INTERVAL
        self.probing = False

    def until_probe(self, now: float) -> float:
        """Return in how many seconds the next probe may be made; infinity while one is made."""
        return math.inf if self.probing else max(self.next_probe - now, 0.0)

    def record_probe(self, answer: Answer, next_probe: float) -> None:
        """Record a probe that did not end the pause."""
        self.next_probe = next_probe
        if isinstance(answer, Unauthorized):
            self.refusal = answer


class AuthMonitor:
    """Judges the key of one gateway by its answers; `pause` is set while it is refused."""

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
        self._forbidden: set[str] = set()
        metrics.gateway_paused(gateway, paused=False)

    def record_refusal(self, video_id: str, answer: Unauthorized, now: float) -> None:
        """Record a refusal about a video, and begin a pause if it shows that the key is bad."""
        if self._is_refused(video_id, answer) and self.pause is None:
            self.pause = AuthPause(answer, now)
            self._metrics.gateway_paused(self._gateway, paused=True)
            self._log.error(
                "gateway_paused",
                outcome=f"http_{answer.status}",
                detail=answer.detail,
                hint="is api_key right? No watch is lost; one request a minute tries again",
                next_try_in=PROBE_INTERVAL,
            )

    def record_accepted(self, at: float) -> bool:
        """Record that a request made `at` a time was accepted; return whether a pause ended.

        A request that was made before the pause began does not end it.
        """
        self._forbidden.clear()
        if self.pause is None or at <= self.pause.since:
            return False
        self._resume()
        self._log.warning("gateway_resumed", outcome="the key is accepted again")
        return True

    def reset(self) -> bool:
        """Forget everything, because the key may be another one; return whether a pause ended."""
        self._forbidden.clear()
        paused = self.pause is not None
        if paused:
            self._resume()
        return paused

    def _resume(self) -> None:
        self.pause = None
        self._metrics.gateway_paused(self._gateway, paused=False)

    def _is_refused(self, video_id: str, answer: Unauthorized) -> bool:
        if answer.status == HTTPStatus.FORBIDDEN:
            self._forbidden.add(video_id)
            return len(self._forbidden) >= _FORBIDDEN_VIDEOS
        return True


def shows_good_key(answer: Answer) -> bool:
    """Return whether an answer shows that the gateway checked the key and accepted it."""
    match answer:
        case Seen() | NotFound():
            return True
        case PollError(status=status) if status is not None:
            return (
                status < HTTPStatus.INTERNAL_SERVER_ERROR
                and status not in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
                and answer.reason not in _NOT_FROM_THE_API
            )
    return False
