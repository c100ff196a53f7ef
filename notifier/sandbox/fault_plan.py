"""Which fault the next answer gets: from a script for one video, or by chance."""

import random
from collections import deque
from collections.abc import Iterable, Sequence

from notifier.sandbox.faults import Fault
from notifier.sandbox.listing import LIST_FAULTS

LISTS = ""
"""Stands for lists where a video's id would stand."""


class FaultPlan:
    """Faults by chance (`faults`), and scripts, which come first."""

    def __init__(self, faults: Sequence[Fault], rng: random.Random) -> None:
        self._faults = tuple(faults)
        self._rng = rng
        self._scripts: dict[str, deque[str | None]] = {}
        self._last: dict[str, str | None] = {}

    def script(self, video_id: str, faults: Iterable[str | None]) -> None:
        """Set the faults of the next status requests of one video: a kind, or None, for each.

        The id "" stands for lists. Raises ValueError for an unknown kind.
        """
        kinds = [None if kind is None else Fault(kind).kind for kind in faults]
        self._scripts.setdefault(video_id, deque()).extend(kinds)

    def next_for(self, video_id: str, *, known: bool) -> str | None:
        """Return the kind of fault that the next answer about a video gets, or None.

        `known` tells whether there is such a job, whose last fault is then remembered.
        """
        script = self._scripts.get(video_id)
        if script:
            return script.popleft()
        fits = (f for f in self._faults if video_id == LISTS or f.kind not in LIST_FAULTS)
        kind = next((f.kind for f in fits if self._rng.random() < f.probability), None)
        if kind == self._last.get(video_id) == "flaky-404":
            # this fault simulates one replica that lags: the next answer knows the video again
            kind = None
        if known:
            self._last[video_id] = kind
        return kind

    def forget(self, video_id: str) -> None:
        """Drop what is known of one video."""
        self._scripts.pop(video_id, None)
        self._last.pop(video_id, None)
