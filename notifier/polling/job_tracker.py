"""What one watch's answers teach: when to ask again, and in the end how long such jobs take."""

from random import Random

from notifier.model.job_sample import JobClass, JobSample
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.model.watch import Watch
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.schedule.poll_policy import next_gap, spread
from notifier.schedule.progress_track import ProgressTrack

_OLDEST = 86400.0
"""A job that is said to have begun longer before its watch, in seconds, is not believed."""

_TOLD_TO = 1.0
"""How exactly a gateway tells when a job was completed, in seconds."""

_TEACHING = frozenset({Status.COMPLETED, Status.FAILED})
"""Ends that come by themselves; when somebody cancels a job says nothing about the next one."""


class JobTracker:
    """Follows one job; all times are seconds of `Clock.now`."""

    __slots__ = ("_asked_at", "_began", "_book", "_by_gateway", "_track")

    def __init__(self, book: JobHistory) -> None:
        self._book = book
        self._track = ProgressTrack()
        self._began = self._asked_at = 0.0
        self._by_gateway = False

    def note(self, watch: Watch, snapshot: Snapshot, at: float, *, counts: bool = True) -> None:
        """Take in that the job was seen running by a request that was made `at` a time.

        An answer that came along with another job's cost nothing, and does not count.
        """
        if not self._track.requests:
            self._began, self._by_gateway = _beginning(watch, snapshot, at)
        queued = snapshot.status is Status.QUEUED
        self._track.note(at - self._began, snapshot.progress, queued=queued, counts=counts)
        self._asked_at = at

    def gap(self, watch: Watch, snapshot: Snapshot, pace: PollIntervals, rng: Random) -> float:
        """Return in how many seconds to ask again, jitter included."""
        samples = self._book.of(_class(watch, snapshot), pace)
        share = spread(self._track, samples)
        elapsed = self._asked_at - self._began
        return next_gap(self._track, samples, elapsed) * rng.uniform(1 - share, 1 + share)

    def sample(
        self, watch: Watch, last: Snapshot, pace: PollIntervals, at: float
    ) -> JobSample | None:
        """Return what the job taught, now that a request made `at` a time saw its end.

        None when it was not seen running before, or was cancelled.
        """
        track = self._track
        if last.status not in _TEACHING or not track.requests:
            return None
        duration, gap = self._end(last, at)
        complete = track.first_at <= pace.poll_interval
        return track.sample(_class(watch, last), duration, gap, complete=complete)

    def learn(self, sample: JobSample) -> None:
        """Let the next jobs have what this one taught."""
        self._book.learn(sample)

    def _end(self, last: Snapshot, at: float) -> tuple[float, float]:
        """Return how long the job took, and how far back from there its end may have been."""
        before, seen = self._asked_at - self._began, at - self._began
        if self._by_gateway and last.completed_at is not None:
            told = last.completed_at + _TOLD_TO - self._began
            if before <= told <= seen:
                return told, min(_TOLD_TO, told - before)
        return seen, seen - before


def _beginning(watch: Watch, snapshot: Snapshot, at: float) -> tuple[float, bool]:
    """Return when the job began, and whether its gateway's clock says so."""
    created = snapshot.created_at
    if created is not None and watch.taken_at - _OLDEST <= created <= at:
        return float(created), True
    return min(watch.taken_at, at), False


def _class(watch: Watch, snapshot: Snapshot) -> JobClass:
    return JobClass(
        watch.key.gateway, snapshot.model or "", snapshot.seconds or "", snapshot.size or ""
    )
