"""A job's state as a pure function of the time.

A job is queued for the first tenth of its duration, then reports a progress that moves in
steps, then ends as was decided when it was created. No task has to run for that.
"""

from dataclasses import dataclass
from enum import StrEnum

from notifier.model.status import EXPIRED, Status
from notifier.model.video import Snapshot, VideoError

RESULT_LIFETIME = 24 * 3600
"""How long a result can be downloaded, in seconds; never scaled."""

_QUEUED_SHARE = 0.1
_LOST_AT = 0.5
_ALMOST = 99


class Ending(StrEnum):
    """How a job ends: `lost` is forgotten half way, `stuck` never ends."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LOST = "lost"
    STUCK = "stuck"


_LAST_STATUS = {
    Ending.COMPLETED: Status.COMPLETED,
    Ending.FAILED: Status.FAILED,
    Ending.CANCELLED: Status.CANCELLED,
    Ending.EXPIRED: Status.FAILED,
}
_ERRORS = {
    Ending.FAILED: VideoError(
        "Content policy violation: inappropriate content detected", "content_policy_violation"
    ),
    Ending.EXPIRED: VideoError("The job was not started in time", EXPIRED),
}


@dataclass(frozen=True, slots=True)
class Job:
    """A video job; times are Unix seconds, `duration` and `step` seconds of real time.

    `step` is how often the progress is refreshed. `prompt` may be shortened. `remix_of` is the
    id of the video that a remix was made from.
    """

    id: str
    created_at: float
    duration: float
    step: float
    ending: Ending
    prompt: str = ""
    model: str = "sora-2"
    seconds: str = "4"
    size: str = "720x1280"
    remix_of: str | None = None

    @property
    def started_at(self) -> float:
        """When it leaves the queue."""
        return self.created_at + self.duration * _QUEUED_SHARE

    @property
    def ended_at(self) -> float | None:
        """When it ends or is forgotten; None when it never does."""
        if self.ending is Ending.STUCK:
            return None
        share = _LOST_AT if self.ending is Ending.LOST else 1
        return self.created_at + self.duration * share

    def status_at(self, now: float) -> Status | None:
        """Return the status at `now`; None once the gateway has forgotten the job."""
        if self.ended_at is not None and now >= self.ended_at:
            return _LAST_STATUS.get(self.ending)
        return Status.QUEUED if now < self.started_at else Status.IN_PROGRESS

    def at(self, now: float) -> Snapshot | None:
        """Return the job as it stands at `now`; None once the gateway has forgotten it."""
        status = self.status_at(now)
        if status is None:
            return None
        done = int(self.created_at + self.duration) if status is Status.COMPLETED else None
        return Snapshot(
            id=self.id,
            status=status,
            model=self.model,
            progress=self._progress(status, now),
            created_at=int(self.created_at),
            completed_at=done,
            expires_at=None if done is None else done + RESULT_LIFETIME,
            seconds=self.seconds,
            size=self.size,
            remixed_from_video_id=self.remix_of,
            error=_ERRORS.get(self.ending) if status.terminal else None,
        )

    def _progress(self, status: Status, now: float) -> int:
        match status:
            case Status.COMPLETED:
                return 100
            case Status.QUEUED | Status.FAILED:
                return 0
            case _:
                running = min(now - self.started_at, self.duration)
                refreshed = running // self.step * self.step
                share = refreshed / (self.duration * (1 - _QUEUED_SHARE))
                return min(int(share * 100), _ALMOST)
