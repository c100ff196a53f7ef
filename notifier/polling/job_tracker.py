"""Follows one job through its answers: when to poll again, and at the end a sample for others."""

from random import Random

from notifier.model.job_sample import JobClass, JobSample
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.model.watch import Watch
from notifier.schedule.job_history import JobHistory, PlainClass
from notifier.schedule.poll_intervals import PollIntervals
from notifier.schedule.poll_policy import next_gap, spread
from notifier.schedule.progress_track import ProgressTrack

_OLDEST = 86400.0
"""A `created_at` that is longer before the watch, in seconds, is ignored."""

_COMPLETED_AT_PRECISION = 1.0
"""The precision of `completed_at`, in seconds."""

_QUEUED = Status.QUEUED  # Python 3.11 takes long to find a member

_SAMPLED = frozenset({Status.COMPLETED, Status.FAILED})
"""Statuses whose durations are samples; when a job is cancelled says nothing about the next."""


class JobTracker:
    """Follows one job; all times are seconds of `Clock.now`."""

    __slots__ = ("_asked_at", "_began", "_by_gateway", "_history", "_track")

    def __init__(self, history: JobHistory) -> None:
        self._history = history
        self._track = ProgressTrack()
        self._began = self._asked_at = 0.0
        self._by_gateway = False

    def note(self, watch: Watch, snapshot: Snapshot, at: float, *, counts: bool = True) -> None:
        """Add an answer to a request made `at` a time that showed the job running.

        `counts` is False for a piggybacked answer, which cost no request of its own.
        """
        if not self._track.requests:
            self._began, self._by_gateway = _beginning(watch, snapshot, at)
        queued = snapshot.status is _QUEUED
        self._track.note(at - self._began, snapshot.progress, queued=queued, counts=counts)
        self._asked_at = at

    def gap(self, watch: Watch, snapshot: Snapshot, pace: PollIntervals, rng: Random) -> float:
        """Return in how many seconds to poll again, jitter included."""
        history = self._history.of(_class(watch, snapshot), pace)
        share = spread(self._track, history)
        elapsed = self._asked_at - self._began
        return next_gap(self._track, history, elapsed) * rng.uniform(1 - share, 1 + share)

    @property
    def expected_end(self) -> float | None:
        """When the progress so far forecasts the end; None before there is any."""
        track = self._track
        if not track.anchor:
            return None
        return self._began + track.anchor_at + track.forecast(0.0, by_speed=True)

    def sample(
        self, watch: Watch, last: Snapshot, pace: PollIntervals, at: float
    ) -> JobSample | None:
        """Return the job's sample, now that a request made `at` a time showed its end.

        None when the job was not seen running before, or was cancelled.
        """
        track = self._track
        if last.status not in _SAMPLED or not track.requests:
            return None
        duration, gap = self._end(last, at)
        complete = track.first_at <= pace.poll_interval
        job_class = JobClass(*_class(watch, last))
        return track.sample(job_class, duration, gap, complete=complete)

    def learn(self, sample: JobSample) -> None:
        """Add a sample to the history, for the next jobs."""
        self._history.learn(sample)

    def _end(self, last: Snapshot, at: float) -> tuple[float, float]:
        """Return how long the job took, and how much earlier its end may have been."""
        before, seen = self._asked_at - self._began, at - self._began
        if self._by_gateway and last.completed_at is not None:
            latest = last.completed_at + _COMPLETED_AT_PRECISION - self._began
            if before <= latest <= seen:
                return latest, min(_COMPLETED_AT_PRECISION, latest - before)
        return seen, seen - before


def _beginning(watch: Watch, snapshot: Snapshot, at: float) -> tuple[float, bool]:
    """Return when the job began, and whether that is by the gateway's clock."""
    created = snapshot.created_at
    if created is not None and watch.taken_at - _OLDEST <= created <= at:
        return created, True
    return min(watch.taken_at, at), False


def _class(watch: Watch, snapshot: Snapshot) -> PlainClass:
    model, seconds, size = snapshot.model or "", snapshot.seconds or "", snapshot.size or ""
    return watch.spec.key.gateway, model, seconds, size
