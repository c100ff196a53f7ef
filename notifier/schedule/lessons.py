"""What the finished jobs of one class have taught so far."""

from collections import deque
from collections.abc import Iterable

from notifier.model.lesson import Lesson
from notifier.schedule.corrections import Corrections, CorrectionBook
from notifier.schedule.course import Course
from notifier.schedule.history import History
from notifier.schedule.pace import Pace
from notifier.schedule.thermostat import Thermostat

KEPT = 150
"""How many jobs the history of a class goes back."""

ENOUGH = 10
"""With fewer finished jobs a class is new: its history is not believed yet."""

SHARE = 0.98
"""What a class may spend, as a share of a fixed loop's requests; a little is kept in hand."""

_STALE = 10
"""The history is arranged anew when a tenth of it is new."""

_FINEST = 0.2
"""No spread of ends is taken to be below this share of the shortest interval."""


class Lessons:
    """The lessons of one class at one pace, the oldest first; `share` see SHARE.

    All that is learned follows from the lessons in their order, so nothing else needs to be
    stored: `Lessons(pace, stored)` is where an earlier process left off, give or take what the
    jobs before the stored ones had taught.
    """

    def __init__(self, pace: Pace, lessons: Iterable[Lesson] = (), share: float = SHARE) -> None:
        self.pace = pace
        self.refresh = pace.refresh
        self.longest = pace.longest
        self._thermostat = Thermostat(pace, share)
        self._book = CorrectionBook(pace.refresh)
        self.corrections = self._book.corrections
        self.worth = self._thermostat.worth
        self.new = True
        self._jobs: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self.history = History((), 0.0)
        self._news = 0
        for lesson in lessons:
            self.learn(lesson)

    def learn(self, lesson: Lesson) -> None:
        """Take in one more finished job."""
        self._jobs.append((lesson.duration, lesson.gap))
        self._book.learn(lesson)
        if lesson.requests is not None and not self.new:
            # half its gap ago is when it ended; a late answer is no reason for a larger budget
            self._thermostat.regulate(lesson.requests, lesson.duration - lesson.gap / 2)
            self.worth = self._thermostat.worth
        self._news += 1
        self.new = len(self._jobs) < ENOUGH
        if not self.new and self._news * _STALE > len(self._jobs):
            self.history = History(self._jobs, _FINEST * self.pace.min_poll_interval)
            self._news = 0

