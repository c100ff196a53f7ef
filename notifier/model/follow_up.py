"""What may follow a completed ending: a notice that the video expires, and a copy of it."""

from dataclasses import dataclass

from notifier.model.video import Snapshot
from notifier.model.watch import Watch

LONGEST_LIFE = 366 * 24 * 3600.0
"""A video that is said to expire later than that, in seconds, counts as one that is kept."""


@dataclass(frozen=True, slots=True)
class FollowUpPlan:
    """What is recorded, together with a completed ending, to be done after it.

    `expires_at` is when the gateway removes the video (`Clock.now`), None when unknown or past.
    `archive` says whether a copy of the video is wanted.
    """

    expires_at: float | None = None
    archive: bool = False


NO_FOLLOW_UP = FollowUpPlan()
"""Nothing is to be done."""


@dataclass(frozen=True, slots=True)
class ExpiryTimer:
    """A video that its gateway removes at `expires_at` (`Clock.now`); `watch` has ended."""

    watch: Watch
    expires_at: float


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A copy of a video; `path` is absolute, `sha256` in hex."""

    path: str
    bytes: int
    sha256: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Download:
    """A video that is to be copied; `watch` has ended.

    The next attempt is due at `due_at`, and the last one is that after `deadline` (`Clock.now`).
    `attempts` failed so far. `synced` bytes of the content with the strong ETag `etag` are on the
    disk. `file` is known once all of it was fetched.
    """

    watch: Watch
    due_at: float
    deadline: float
    attempts: int = 0
    etag: str | None = None
    synced: int = 0
    file: ArchivedFile | None = None


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """How the copy of a video stands.

    `state` is `pending`, `archived`, `failed`, or `removed` when it was kept for long enough.
    """

    state: str
    attempts: int
    reason: str
    next_attempt_at: float | None
    file: ArchivedFile | None

    def as_row(self) -> dict[str, object]:
        """Return it as scripts see it."""
        due, file = self.next_attempt_at, self.file
        return {
            "state": self.state,
            "attempts": self.attempts,
            "reason": self.reason,
            "next_attempt_at": None if due is None else round(due, 3),
            "path": None if file is None else file.path,
            "bytes": None if file is None else file.bytes,
            "sha256": None if file is None else file.sha256,
            "content_type": None if file is None else file.content_type,
        }


def expiry(snapshot: Snapshot, wall: float, now: float) -> float | None:
    """Return when a video expires, by `Clock.now`; None when that is unknown or past.

    The gateway's times are compared with the calendar, which reads `wall` while `Clock.now` reads
    `now` (Unix seconds).
    """
    if snapshot.expires_at is None:
        return None
    left = snapshot.expires_at - wall
    return now + left if 0 < left <= LONGEST_LIFE else None
