"""How much waiting a request has to save, so that a class keeps to its budget."""

import math

from notifier.schedule.poll_intervals import PollIntervals

_FIRST = 0.02
_LEAST = 0.002
_MOST = 2.0
"""In poll intervals: what the worth of a request starts from and stays between."""

_GAIN = 0.2
_EARLY_GAIN = 2.0
"""A job that cost one fixed loop too much changes the worth by e^gain; in the beginning more,
by this divided by the number of jobs."""

_MOST_CREDIT = 0.2
_MOST_DEBIT = 1.0
"""The most that one job changes the logarithm of the worth: a stuck job that was hardly asked
about is no reason to spend its thousands of requests on the next ones."""

_MEMORY = 50
"""Over about so many jobs the usual cost of the fixed loop is averaged."""


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
        """Take in what a job that took `duration` seconds has cost."""
        fixed = self._pace.fixed_requests(duration)
        self._jobs = min(self._jobs + 1, _MEMORY)
        self._usual += (fixed - self._usual) / self._jobs
        over = (requests - self._share * fixed) / self._usual
        turn = over * max(_GAIN, _EARLY_GAIN / self._jobs)
        interval = self._pace.poll_interval
        worth = self.worth * math.exp(min(max(turn, -_MOST_CREDIT), _MOST_DEBIT))
        self.worth = min(max(worth, _LEAST * interval), _MOST * interval)
