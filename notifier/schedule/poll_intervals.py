"""The poll intervals of a gateway, and the bounds that follow from them."""

import math
from dataclasses import dataclass

_LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class PollIntervals:
    """The two intervals of a gateway from the config, in seconds.

    On average a job costs no more requests than a loop that polls at once and then every
    `poll_interval`. No two polls are closer than `min_poll_interval`. Every other time of the
    schedule is a multiple of these two, so the policy scales with the gateway's speed.
    """

    poll_interval: float
    min_poll_interval: float

    @property
    def refresh(self) -> float:
        """How old progress in an answer may be: 5 s where the poll interval is 20 s."""
        least, most = self.poll_interval / 20, self.poll_interval / 4
        return min(max(self.min_poll_interval, least), most)

    @property
    def longest(self) -> float:
        """The longest gap: 30 poll intervals, but no more than ten minutes or ten intervals."""
        return min(30 * self.poll_interval, max(_LONGEST, 10 * self.poll_interval))

    def fixed_requests(self, duration: float) -> int:
        """Return how many requests a fixed loop makes for a job of `duration` seconds."""
        return 1 + math.ceil(max(duration, 0.0) / self.poll_interval)
