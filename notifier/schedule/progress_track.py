"""The progress track of one job: its readings so far, and the end that they forecast."""

from array import array

from notifier.model.job_sample import JobClass, JobSample

MOST_READINGS = 16
"""How many readings of a job are kept; when there are more, every second one is dropped."""

_DONE = 100
_CEILING = 99
"""On many gateways progress stops here until the end, however far away the end is."""

_STRETCH = 3
"""How much progress two readings must be apart to give a speed."""


class ProgressTrack:
    """The answers about one running job, from the first to the latest.

    Every open watch has one, so it is small: about 300 bytes. Times are seconds since the job
    began; `first_at` is when it was first polled. `requests` counts its polls.

    The forecast rests on `anchor`, the latest informative reading: one that differs from the
    reading before and is below the ceiling. A stalled job shows no more than that it has not
    ended, so its forecast stays as it is and loses weight as time passes it. `has_speed` says
    that two readings are far enough apart to give a speed.
    """

    __slots__ = (
        *("requests", "first_at", "anchor", "anchor_at", "has_speed"),
        *("_latest", "_origin", "_origin_at", "_started_at", "_readings"),
    )

    def __init__(self) -> None:
        self.requests = 0
        self.first_at = 0.0
        self.anchor = 0
        self.anchor_at = 0.0
        self.has_speed = False
        self._latest: int | None = None
        self._origin = 0
        self._origin_at = 0.0
        self._started_at = 0.0
        self._readings: array[float] | None = None

    def note(
        self,
        elapsed: float,
        progress: int | None,
        *,
        queued: bool = False,
        counts: bool = True,
    ) -> None:
        """Add an answer from `elapsed` seconds after the job began.

        `progress` is 0-100, None if the answer has none; a `queued` job has made none.
        `counts` is False for an answer that cost no request of its own; the first always counts.
        """
        if not self.requests:
            self.first_at = elapsed
        self.requests += counts or not self.requests
        if queued:
            progress = self.anchor = 0
        if progress is None:
            return
        if progress <= 0:
            if not self.anchor:
                self._started_at = elapsed
        elif progress != self._latest and (progress < _CEILING or not self.anchor):
            if not self.anchor or progress < self._origin:
                self._origin, self._origin_at = progress, elapsed
            self.anchor, self.anchor_at = progress, elapsed
            self.has_speed = progress - self._origin >= _STRETCH
        if progress != self._latest or not progress:
            self._keep(elapsed, progress)
        self._latest = progress

    @property
    def worked(self) -> float:
        """For how many seconds the job had made progress at the anchor."""
        return self.anchor_at - self._started_at

    def forecast(self, refresh: float, *, by_speed: bool) -> float:
        """Return the seconds from the anchor to the end.

        With `by_speed`, by the speed since the first reading above 0, if that is known. Otherwise
        by age: the average speed since the job left the queue.
        """
        anchor = self.anchor
        if by_speed and self.has_speed:
            made = anchor - self._origin
            return (_DONE - anchor) * (self.anchor_at - self._origin_at) / made
        worked = max(self.worked - refresh / 2, refresh / 1000)
        return (_DONE - anchor) * worked / (anchor + 0.5)

    def sample(
        self, job_class: JobClass, duration: float, gap: float, *, complete: bool
    ) -> JobSample:
        """Return the sample of the job, now that it has ended; see `JobSample`.

        `complete` says that the job was polled from its beginning on.
        """
        kept = self._readings or ()
        return JobSample(
            job_class,
            duration,
            gap,
            self.requests + 1 if complete else None,
            tuple((round(kept[i], 1), int(kept[i + 1])) for i in range(0, len(kept), 2)),
        )

    def _keep(self, elapsed: float, progress: int) -> None:
        kept = self._readings
        if kept is None:
            kept = self._readings = array("f")
        elif len(kept) >= 2 * MOST_READINGS:
            pairs = [kept[i : i + 2] for i in range(0, len(kept), 4)]
            kept = self._readings = sum(pairs, start=array("f"))
        kept.append(elapsed)
        kept.append(progress)
