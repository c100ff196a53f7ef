"""What one job has shown so far, and when it would end by its progress."""

from array import array

from notifier.model.job_sample import JobClass, JobSample

MOST_READINGS = 16
"""How many readings of a job are kept; when there are more, every second one goes."""

_DONE = 100
_CEILING = 99
"""Progress stops here until the end on many gateways, however far away that is."""

_STRETCH = 3
"""How much progress has to be made between two readings to tell a speed."""


class ProgressTrack:
    """The answers about one job that has not ended, from the first to the latest.

    One is held for every open watch, so it is small: about 300 bytes. Times are seconds since
    the job began; `first_at` is when it was first asked about.

    The forecast stands on `anchor`, the latest reading that told something: one that differs
    from the reading before, and is not at the ceiling. A job that stalls says no more than that
    it has not ended, so its forecast stays where it was and wears off as time passes it by.
    `has_speed` tells that two readings are far enough apart to say how fast it goes.
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
        """Take in an answer that came `elapsed` seconds after the job began.

        `progress` is 0-100, None if nothing was said; a job that is `queued` has made none.
        What cost no request of its own does not count, unless it is the first.
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

    def forecast(self, refresh: float, *, by_speed: bool) -> float:
        """Return the seconds from the anchor to the end.

        By the job's speed since its first reading above 0, where there is one, or by its age:
        if it goes on as it did on average since it left the queue.
        """
        anchor = self.anchor
        if by_speed and self.has_speed:
            made = anchor - self._origin
            return (_DONE - anchor) * (self.anchor_at - self._origin_at) / made
        worked = self.anchor_at - self._started_at - refresh / 2
        worked = max(worked, refresh / 1000)
        return (_DONE - anchor) * worked / (anchor + 0.5)

    def sample(
        self, job_class: JobClass, duration: float, gap: float, *, complete: bool
    ) -> JobSample:
        """Return what the job taught, now that a last answer told its end; see `JobSample`.

        `complete` tells that it was asked about from its beginning on.
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
