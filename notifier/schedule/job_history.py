"""What finished jobs have taught about every class of jobs."""

from collections.abc import Iterable

from notifier.model.job_sample import JobClass, JobSample
from notifier.schedule.class_history import KEPT, ClassHistory
from notifier.schedule.poll_intervals import PollIntervals

MOST_CLASSES = 256
"""How many classes are held ready; the one that was not asked for the longest goes first."""


class JobHistory:
    """The lessons of all classes; `stored` are those of earlier runs, oldest first.

    A class is worked out when it is first asked for: most of those that are stored may not
    come again.
    """

    def __init__(self, stored: Iterable[JobSample] = ()) -> None:
        self._raw: dict[JobClass, list[JobSample]] = {}
        self._ready: dict[JobClass, ClassHistory] = {}
        for sample in stored:
            self._raw.setdefault(sample.job_class, []).append(sample)

    def of(self, job_class: JobClass, pace: PollIntervals) -> ClassHistory:
        """Return the lessons of one class, for a gateway that is asked at `pace`."""
        samples = self._ready.get(job_class)
        if samples is None or (samples.pace is not pace and samples.pace != pace):
            samples = ClassHistory(pace, self._raw.get(job_class, ()))
            self._ready.pop(job_class, None)
            self._ready[job_class] = samples
            self._forget()
        return samples

    def learn(self, sample: JobSample) -> None:
        """Take in what a finished job taught."""
        raw = self._raw.setdefault(sample.job_class, [])
        raw.append(sample)
        del raw[:-KEPT]
        samples = self._ready.get(sample.job_class)
        if samples is not None:
            samples.learn(sample)

    def _forget(self) -> None:
        while len(self._ready) > MOST_CLASSES:
            oldest = next(iter(self._ready))
            del self._ready[oldest]
            self._raw.pop(oldest, None)
