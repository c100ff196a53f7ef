"""The budget controller of a job class: how much delay a request must save to be worth making.

A feedback loop: a job that cost more requests than its budget raises the bar for the next jobs,
and a job that cost less lowers it.
"""

import math

from notifier.schedule.poll_intervals import PollIntervals

_FIRST = 0.02
_LEAST = 0.002
_MOST = 2.0
"""The first worth of a request, and its bounds, in poll intervals."""

_GAIN = 0.2
_EARLY_GAIN = 2.0
"""A job that cost one fixed loop too much multiplies the worth by e^_GAIN. The first jobs count
more: the gain is then _EARLY_GAIN divided by the number of jobs."""

_MOST_CREDIT = 0.2
_MOST_DEBIT = 1.0
"""The most that one job changes the logarithm of the worth. A stuck job that was rarely polled
leaves thousands of requests over; the next jobs must not use them up."""

_MEMORY = 50
"""The usual cost of the fixed loop is averaged over about so many jobs."""


class BudgetController:
    """Keeps the requests of a class at `share` of what a fixed loop would need.

    `worth` is the setting: how many seconds of expected delay make a request worth while.
    """

    def __init__(self, pace: PollIntervals, share: float) -> None:
        self.worth = _FIRST * pace.poll_interval
        self._pace = pace
        self._share = share
        self._jobs = 0
        self._usual = 0.0

    def regulate(self, requests: int, duration: float) -> None:
        """Adjust `worth` to what a job that took `duration` seconds has cost."""
        fixed = self._pace.fixed_requests(duration)
        self._jobs = min(self._jobs + 1, _MEMORY)
        self._usual += (fixed - self._usual) / self._jobs
        over = (requests - self._share * fixed) / self._usual
        turn = over * max(_GAIN, _EARLY_GAIN / self._jobs)
        interval = self._pace.poll_interval
        worth = self.worth * math.exp(min(max(turn, -_MOST_CREDIT), _MOST_DEBIT))
        self.worth = min(max(worth, _LEAST * interval), _MOST * interval)
