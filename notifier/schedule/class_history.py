"""What the finished jobs of one class have taught so far."""

from collections import deque
from collections.abc import Iterable

from notifier.model.job_sample import JobSample
from notifier.schedule.budget_controller import BudgetController
from notifier.schedule.forecast_error import ForecastErrorTable
from notifier.schedule.past_durations import PastDurations
from notifier.schedule.poll_intervals import PollIntervals

KEPT = 150
"""How many jobs the history of a class goes back."""

ENOUGH = 10
"""With fewer finished jobs a class is new: how long its jobs take is not believed yet."""

SHARE = 0.98
"""What a class may spend of a fixed loop's requests; a little is kept in hand."""

_STALE = 10
"""The history is arranged anew when a tenth of it is new."""

_FINEST = 0.2
"""Ends are never taken to be spread by less than this share of the shortest interval."""


class ClassHistory:
    """The lessons of one class at one pace; `share` is its budget, see SHARE.

    All of it follows from the lessons in their order, the newest last: nothing else has to be
    stored. `corrections` are for the forecasts from progress, `history` tells how long jobs
    took (empty while the class is `new`), `worth` how many seconds of expected delay a request
    has to save.
    """

    def __init__(
        self, pace: PollIntervals, samples: Iterable[JobSample] = (), share: float = SHARE
    ) -> None:
        self.pace = pace
        # read for every answer, so they are not worked out every time
        self.refresh = pace.refresh
        self.longest = pace.longest
        self.new = True
        self.history = PastDurations((), finest=0.0)
        self._jobs: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._fresh = 0
        self._budget = BudgetController(pace, share)
        self.worth = self._budget.worth
        book = ForecastErrorTable(pace.refresh)
        self._learn_corrections = book.learn
        self.corrections = book.corrections
        for sample in samples:
            self.learn(sample)

    def learn(self, sample: JobSample) -> None:
        """Take in one more finished job of the class."""
        self._learn_corrections(sample)
        if sample.requests is not None and not self.new:
            # it ended half its gap before: an end seen late must not make the budget larger
            self._budget.regulate(sample.requests, sample.duration - sample.gap / 2)
            self.worth = self._budget.worth
        self._jobs.append((sample.duration, sample.gap))
        self._fresh += 1
        self.new = len(self._jobs) < ENOUGH
        if not self.new and self._fresh * _STALE > len(self._jobs):
            self.history = PastDurations(self._jobs, finest=_FINEST * self.pace.min_poll_interval)
            self._fresh = 0
