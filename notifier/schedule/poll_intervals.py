"""How often a gateway is asked about one video."""

import math
from dataclasses import dataclass

_LONGEST = 600.0


@dataclass(frozen=True, slots=True)
class PollIntervals:
    """The two intervals of a gateway from the config, in seconds.

    On average a job costs no more requests than a loop that asks at once and then every
    `poll_interval`, and no two are closer than `min_poll_interval`. Every other time of the
    schedule is a multiple of these two, so a gateway ten times as fast is asked alike.
    """

    poll_interval: float
    min_poll_interval: float

    @property
    def refresh(self) -> float:
        """How old progress may be when it is told: 5 s where the poll interval is 20 s."""
        least, most = self.poll_interval / 20, self.poll_interval / 4
        return min(max(self.min_poll_interval, least), most)

    @property
    def longest(self) -> float:
        """The longest gap: 30 poll intervals, but no more than ten minutes or ten intervals."""
        return min(30 * self.poll_interval, max(_LONGEST, 10 * self.poll_interval))

    def fixed_requests(self, duration: float) -> int:
        """Return how often a fixed loop asks about a job that takes so long."""
        return 1 + math.ceil(max(duration, 0.0) / self.poll_interval)
