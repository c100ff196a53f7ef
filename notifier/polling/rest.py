"""The rest of a gateway: no requests until the wait is over that it named with a 429."""

from collections.abc import Callable
from typing import Any

from notifier.polling.lifecycle import LONGEST_WAIT
from notifier.rate_limiter import RateLimiter

_TOLD = "the gateway asked another instance to wait"


class GatewayRest:
    """Has `limiter` let nothing through while a gateway rests; moments are `Clock.now`."""

    def __init__(self, limiter: RateLimiter, now: Callable[[], float], log: Any) -> None:  # noqa: ANN401 - structlog's
        self._limiter = limiter
        self._now = now
        self._log = log
        self._limited: str | None = None
        self.until = 0.0
        """When the latest rest ends or ended, 0 if there was none."""

        self._told_at = 0.0

    def begin(self, video_id: str, wait: float) -> None:
        """Rest for `wait` seconds, but not twice in a row for the same limited video."""
        if video_id != self._limited:
            self._limited = video_id
            wait = min(wait, LONGEST_WAIT)
            if wait > 0:
                self.until = max(self.until, self._now() + wait)
            self._limiter.pause(wait)

    def follow(self, until: float) -> None:
        """Rest until then, as another instance was told to; nothing if that is known already."""
        if until <= self.until:
            return
        if self.told_since() is None:
            self._told_at = self._now()
        self.until = until
        wait = min(until - self._now(), LONGEST_WAIT)
        if wait > 0:
            self._log.info("gateway_rests", seconds=round(wait, 1), hint=_TOLD)
            self._limiter.pause(wait)

    def told_since(self) -> float | None:
        """Return since when it rests because another instance was told to, None if it does not."""
        return self._told_at if self._told_at and self._now() < self.until else None
