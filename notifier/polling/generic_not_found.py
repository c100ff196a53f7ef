"""Whether a not-found answer that names no video is about its video, or about the whole gateway.

A gateway that answers every request with 410 has moved or is off, and one that says "resource not
found" to every request may have lost a path. Its jobs may run on.
So a generic not-found answer counts only once another video was seen by a single answer since the
first such answer, or if no other video is watched.
"""

from notifier.model.answer import Answer, NotFound, PollError

_HINT = "every video gets this answer: has the gateway moved?"


class GenericNotFound:
    """Keeps since when each video gets generic answers; moments are when a request was made."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._seen_at = float("-inf")

    def record_seen(self, video_id: str, at: float) -> None:
        """Record that a video was seen."""
        self._since.pop(video_id, None)
        self._seen_at = max(self._seen_at, at)

    def judged(self, video_id: str, answer: Answer, at: float, open_videos: int) -> Answer:
        """Return an answer without a video as it counts: `NotFound`, or an error that may pass."""
        if not isinstance(answer, NotFound) or not answer.generic or open_videos <= 1:
            return answer
        since = self._since.setdefault(video_id, at)
        if self._seen_at > since:
            return answer
        return PollError(f"http_{answer.status}", answer.detail, _HINT, answer.status, answer.wait)

    def remove(self, video_id: str) -> None:
        """Forget a video that is no longer watched."""
        self._since.pop(video_id, None)
