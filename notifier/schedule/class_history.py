"""The history of one job class: durations, forecast errors and the budget of its finished jobs."""

from collections import deque
from collections.abc import Iterable

from notifier.model.job_sample import JobSample
from notifier.schedule.budget_controller import BudgetController
from notifier.schedule.forecast_error import ForecastErrorTable
from notifier.schedule.past_durations import PastDurations
from notifier.schedule.poll_intervals import PollIntervals

KEPT = 150
"""How many finished jobs the history of a class holds."""

ENOUGH = 10
"""With fewer finished jobs a class is new: their durations are not used for forecasts yet."""

SHARE = 0.98
"""The share of a fixed loop's requests that a class may use; the rest is a reserve."""

_STALE = 10
"""`durations` is rebuilt when a tenth of the jobs is new."""

_FINEST = 0.2
"""The least spread of the ends, as a share of the shortest interval."""


class ClassHistory:
    """The history of one class at one pace; `share` is its budget, see SHARE.

    Everything follows from the samples in their order, the newest last, so only the samples are
    stored. `forecast_errors` returns the errors of forecasts from progress. `durations` says how
    long jobs took; it is empty while the class is `new`. `worth` is how many seconds of expected
    delay a request has to save.
    """

    def __init__(
        self, pace: PollIntervals, samples: Iterable[JobSample] = (), share: float = SHARE
    ) -> None:
        self.pace = pace
        # read for every answer, so they are worked out once
        self.refresh = pace.refresh
        self.longest = pace.longest
        self.new = True
        self.durations = PastDurations((), finest=0.0)
        self._jobs: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._fresh = 0
        self._budget = BudgetController(pace, share)
        self.worth = self._budget.worth
        errors = ForecastErrorTable(pace.refresh)
        self._learn_forecasts = errors.learn
        self.forecast_errors = errors.errors
        for sample in samples:
            self.learn(sample)

    def learn(self, sample: JobSample) -> None:
        """Add one more finished job of the class."""
        self._learn_forecasts(sample)
        if sample.requests is not None and not self.new:
            # the end lies half the gap back on average: an end seen late must not raise the budget
            self._budget.regulate(sample.requests, sample.duration - sample.gap / 2)
            self.worth = self._budget.worth
        self._jobs.append((sample.duration, sample.gap))
        self._fresh += 1
        self.new = len(self._jobs) < ENOUGH
        if not self.new and self._fresh * _STALE > len(self._jobs):
            self.durations = PastDurations(
                self._jobs, finest=_FINEST * self.pace.min_poll_interval
            )
            self._fresh = 0
