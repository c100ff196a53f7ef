"""The samples of finished jobs, by job class."""

from collections.abc import Iterable

from notifier.model.job_sample import JobSample
from notifier.schedule.class_history import KEPT, ClassHistory
from notifier.schedule.poll_intervals import PollIntervals

PlainClass = tuple[str, str, str, str]
"""A `JobClass`, or a tuple that equals one and takes a third of the time to make."""

MOST_CLASSES = 256
"""How many class histories are kept worked out; the oldest is dropped first."""


class JobHistory:
    """The histories of all job classes; `stored` are the samples of earlier runs, oldest first.

    A class history is worked out when it is first read: most stored classes may not come again.
    """

    def __init__(self, stored: Iterable[JobSample] = ()) -> None:
        self._raw: dict[PlainClass, list[JobSample]] = {}
        self._ready: dict[PlainClass, ClassHistory] = {}
        for sample in stored:
            self._raw.setdefault(sample.job_class, []).append(sample)

    def of(self, job_class: PlainClass, pace: PollIntervals) -> ClassHistory:
        """Return the history of one class, for a gateway that is polled at `pace`."""
        known = self._ready.get(job_class)
        if known is None or (known.pace is not pace and known.pace != pace):
            known = ClassHistory(pace, self._raw.get(job_class, ()))
            self._ready.pop(job_class, None)
            self._ready[job_class] = known
            self._forget()
        return known

    def learn(self, sample: JobSample) -> None:
        """Add the sample of a finished job."""
        raw = self._raw.setdefault(sample.job_class, [])
        raw.append(sample)
        del raw[:-KEPT]
        known = self._ready.get(sample.job_class)
        if known is not None:
            known.learn(sample)

    def _forget(self) -> None:
        while len(self._ready) > MOST_CLASSES:
            oldest = next(iter(self._ready))
            del self._ready[oldest]
            self._raw.pop(oldest, None)
