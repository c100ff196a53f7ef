"""Bounds how many lines one cause writes: what peers do must not fill the log. Pure.

A cause is the level and the event's name, together with what the line is about: gateway, endpoint,
outcome. Each has a bucket of tokens: a burst of lines is written whole, then one line every few
seconds. What is left out is counted, and `suppressed` returns the counts to be logged.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

_ABOUT = ("gateway", "endpoint", "outcome")
_LONGEST = 100
_HTTP_STATUS = re.compile(r"^(outcome=http_\d)\d+$")


class Rate(NamedTuple):
    """`burst` lines at once, and then one line every `seconds`."""

    burst: int
    seconds: float


TROUBLE = Rate(30, 10.0)
"""The rate of warnings and errors of one cause."""

PROGRESS = Rate(1000, 0.1)
"""The rate of lines on what the videos of one gateway do."""

_PROGRESS_EVENTS = frozenset({"poll"})
"""The events at level info that peers can cause without limit."""

_MOST_CAUSES = 200
_OTHER = ("warning", "other causes")


def rate_of(level: str, event: str) -> Rate | None:
    """Return the rate of lines of a kind, None for those that peers cannot multiply."""
    if level in {"warning", "error", "critical"}:
        return TROUBLE
    return PROGRESS if level == "info" and event in _PROGRESS_EVENTS else None


Cause = tuple[str, ...]
"""Level and event, and then what the line is about, each as `name=value`."""


def cause_of(level: str, event: str, fields: Mapping[str, object]) -> Cause:
    """Return the cause of a line; its length is bounded."""
    about = [f"{name}={fields[name]}"[:_LONGEST] for name in _ABOUT if name in fields]
    return _cause(level, event[:_LONGEST], *about)


@lru_cache(maxsize=_MOST_CAUSES)
def _cause(level: str, event: str, *about: str) -> Cause:
    # by class: a peer may answer with any status it likes
    return (level, event, *(_HTTP_STATUS.sub(r"\1xx", each) for each in about))


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    suppressed: int = 0


class LineLimiter:
    """Counts the lines of each cause; moments are seconds of any clock that never goes back."""

    def __init__(self) -> None:
        self._buckets: dict[Cause, _Bucket] = {}

    def admits(self, cause: Cause, rate: Rate, now: float) -> bool:
        """Return whether a line is to be written, and count it if it is not."""
        bucket = self._bucket(cause, rate, now)
        bucket.tokens = min(bucket.tokens + (now - bucket.at) / rate.seconds, rate.burst)
        bucket.at = now
        if bucket.tokens < 1:
            bucket.suppressed += 1
            return False
        bucket.tokens -= 1
        return True

    def _bucket(self, cause: Cause, rate: Rate, now: float) -> _Bucket:
        if cause not in self._buckets and len(self._buckets) >= _MOST_CAUSES:
            cause = _OTHER
        return self._buckets.setdefault(cause, _Bucket(rate.burst, now))

    def suppressed(self) -> dict[Cause, int]:
        """Return how many lines of each cause were left out since the last call."""
        counts = {cause: each.suppressed for cause, each in self._buckets.items()}
        if len(self._buckets) >= _MOST_CAUSES:  # forget those that are not being limited
            self._buckets = {cause: self._buckets[cause] for cause, left in counts.items() if left}
        for bucket in self._buckets.values():
            bucket.suppressed = 0
        return {cause: count for cause, count in counts.items() if count}
