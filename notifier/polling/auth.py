"""Whether a gateway takes the key: one answer can tell, or two about different videos.

While the key is refused nobody asks, but for one try a minute. The tries go round: videos that
this key may never see must not keep those that it may from showing that it is good.
"""

from http import HTTPStatus

from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized

PROBE_INTERVAL = 60.0
"""How often a gateway that refuses the key is tried, in seconds."""

_FORBIDDEN_VIDEOS = 2
_NOBODY_LOOKED = frozenset({"html", "empty", "broken_json"})


class AuthPause:
    """A time in which the key is refused; all moments are `Clock.now`.

    `not_found` is what the gateway said last, `last_try` when it was asked for that.
    """

    def __init__(self, not_found: Unauthorized, now: float) -> None:
        self.not_found = not_found
        self.since = now
        self.next_try = now + PROBE_INTERVAL
        self.last_try = float("-inf")
        self.trying = False

    def tried(self, answer: Answer, at: float, next_try: float) -> None:
        """Note a try that was made `at` a moment and did not end the pause."""
        self.last_try = at
        self.next_try = next_try
        if isinstance(answer, Unauthorized):
            self.not_found = answer


class AuthMonitor:
    """Judges the key by the answers that it gets."""

    def __init__(self) -> None:
        self._forbidden: set[str] = set()

    def is_refused(self, video_id: str, answer: Unauthorized) -> bool:
        """Tell whether this shows that the key is bad: 401, or 403 about two videos."""
        if answer.status == HTTPStatus.FORBIDDEN:
            self._forbidden.add(video_id)
            return len(self._forbidden) >= _FORBIDDEN_VIDEOS
        return True

    def accepted(self) -> None:
        """Forget what was forbidden: the key is good."""
        self._forbidden.clear()


def shows_good_key(answer: Answer) -> bool:
    """Tell whether an answer shows that the key was looked at and accepted."""
    match answer:
        case Seen() | NotFound():
            return True
        case PollError(status=status) if status is not None:
            return (
                status < HTTPStatus.INTERNAL_SERVER_ERROR
                and status not in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
                and answer.reason not in _NOBODY_LOOKED
            )
    return False
