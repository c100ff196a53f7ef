"""Recognises the answers that gateways repeat, so that these need a compare and no parser.

Between two answers about a running job nothing changes, or its progress alone. An answer is
recognised only when every other byte is the same as in one that was parsed; all others are parsed.
"""

import re
from collections import OrderedDict
from typing import NamedTuple

from notifier.model.answer import Seen
from notifier.model.status import Status

MOST = 50_000
"""How many videos are remembered; those that were parsed longest ago are forgotten first."""

LONGEST = 4096
"""The longest answer that is remembered, in bytes: a gateway may send a megabyte for each."""

_RUNNING = frozenset({Status.QUEUED, Status.IN_PROGRESS})
_PROGRESS = re.compile(rb'"progress"\s*:\s*(0|[1-9][0-9]?|100)(?=[\s,}])')
_PERCENT = {str(percent).encode(): percent for percent in range(101)}


class _Answer(NamedTuple):
    """A parsed answer: `head`, its progress and `tail`; all is `head` if `tail` is None."""

    head: bytes
    tail: bytes | None
    seen: Seen


class RecentAnswers:
    """The last parsed answer about each running video, by id."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, _Answer] = OrderedDict()

    def find(self, video_id: str, body: bytes) -> Seen | None:
        """Return what `body` means if it is known, None if it has to be parsed."""
        known = self._answers.get(video_id)
        if known is None:
            return None
        head, tail, seen = known
        if tail is None:
            return seen if body == head else None
        if not body.startswith(head) or not body.endswith(tail):
            return None
        progress = _PERCENT.get(body[len(head) : len(body) - len(tail)])
        if progress is None or progress == seen.snapshot.progress:
            return None if progress is None else seen
        seen = Seen(seen.snapshot._replace(progress=progress))
        self._answers[video_id] = _Answer(head, tail, seen)
        return seen

    def remember(self, video_id: str, body: bytes, seen: Seen) -> None:
        """Remember what `body` was parsed to, if it says that the video runs."""
        self._answers.pop(video_id, None)
        if seen.snapshot.status not in _RUNNING or len(body) > LONGEST:
            return
        head, tail = _around_progress(body, seen.snapshot.progress)
        self._answers[video_id] = _Answer(head, tail, seen)
        if len(self._answers) > MOST:
            self._answers.popitem(last=False)

    def forget(self, video_id: str) -> None:
        """Forget a video: what was last said about it was something else."""
        self._answers.pop(video_id, None)

    def clear(self) -> None:
        """Forget everything: the same bytes may mean something else from now on."""
        self._answers.clear()


def _around_progress(body: bytes, progress: int | None) -> tuple[bytes, bytes | None]:
    """Return what stands before and after an answer's progress; all and None if that is unclear.

    It is clear in a single flat object without escapes, where only one name can be "progress".
    """
    if progress is not None and body.count(b"{") == 1 and b"\\" not in body:
        found = _PROGRESS.search(body)
        only = body.count(b'"progress"') == 1
        if found is not None and only and _PERCENT[found[1]] == progress:
            return body[: found.start(1)], body[found.end(1) :]
    return body, None
