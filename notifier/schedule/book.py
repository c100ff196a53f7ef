"""What finished jobs have taught about every class of jobs."""

from collections.abc import Iterable

from notifier.model.lesson import JobClass, Lesson
from notifier.schedule.lessons import KEPT, Lessons
from notifier.schedule.pace import Pace

MOST_CLASSES = 256
"""How many classes are held ready; the one that was not asked for the longest goes first."""


class LessonBook:
    """The lessons of all classes; `stored` are those of earlier runs, oldest first.

    A class is worked out when it is first asked for: most of those that are stored may not
    come again.
    """

    def __init__(self, stored: Iterable[Lesson] = ()) -> None:
        self._raw: dict[JobClass, list[Lesson]] = {}
        self._ready: dict[JobClass, Lessons] = {}
        for lesson in stored:
            self._raw.setdefault(lesson.job_class, []).append(lesson)

    def of(self, job_class: JobClass, pace: Pace) -> Lessons:
        """Return the lessons of one class, for a gateway that is asked at `pace`."""
        lessons = self._ready.get(job_class)
        if lessons is None or (lessons.pace is not pace and lessons.pace != pace):
            lessons = Lessons(pace, self._raw.get(job_class, ()))
            self._ready.pop(job_class, None)
            self._ready[job_class] = lessons
            self._forget()
        return lessons

    def learn(self, lesson: Lesson) -> None:
        """Take in what a finished job taught."""
        raw = self._raw.setdefault(lesson.job_class, [])
        raw.append(lesson)
        del raw[:-KEPT]
        lessons = self._ready.get(lesson.job_class)
        if lessons is not None:
            lessons.learn(lesson)

    def _forget(self) -> None:
        while len(self._ready) > MOST_CLASSES:
            oldest = next(iter(self._ready))
            del self._ready[oldest]
            self._raw.pop(oldest, None)
