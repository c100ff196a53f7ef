"""What may follow a completed ending: a notice that the video expires, and a copy of it."""

from dataclasses import dataclass

from notifier.model.video import Snapshot
from notifier.model.watch import Watch

LONGEST_LIFE = 366 * 24 * 3600.0
"""A video that is said to expire later than that, in seconds, counts as one that is kept."""


@dataclass(frozen=True, slots=True)
class FollowUpPlan:
    """What is recorded, together with a completed ending, to be done after it.

    `expires_at` is when the gateway removes the video (`Clock.now`), None when unknown or past.
    """

    expires_at: float | None = None


NO_FOLLOW_UP = FollowUpPlan()
"""Nothing is to be done."""


@dataclass(frozen=True, slots=True)
class ExpiryTimer:
    """A video that its gateway removes at `expires_at` (`Clock.now`); `watch` has ended."""

    watch: Watch
    expires_at: float


def expiry(snapshot: Snapshot, wall: float, now: float) -> float | None:
    """Return when a video expires, by `Clock.now`; None when that is unknown or past.

    The gateway's times are compared with the calendar, which reads `wall` while `Clock.now` reads
    `now` (Unix seconds).
    """
    if snapshot.expires_at is None:
        return None
    left = snapshot.expires_at - wall
    return now + left if 0 < left <= LONGEST_LIFE else None
