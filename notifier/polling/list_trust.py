"""Whether list pages may answer pollers: they are compared with single answers, and lose trust.

Some gateways refresh a job only when it is retrieved, or cache their list, so that a list lags
behind or says `queued` for ever. Two comparisons find that out:

- *After*: a video is asked about alone, and then the page that shows it is asked for. The page is
  the newer one, so it must not say less. This finds caches and delays.
- *Before*: a page is read, and at once one of its videos is asked about alone. The single answer
  may be a moment newer, but rarely. This also finds lists that a single request brings up to date.

What is compared is the status, by how far a job has come, and after that the progress. A clear
contradiction ends the trust for good. A weak one, which chance may explain, does so the second
time; until then no status of such a page is used. Samples are taken once per poll interval at
first, and more rarely once the list was seen to move along with single answers.
"""

from enum import Enum
from typing import Any

from notifier.model.status import Status
from notifier.model.video import Snapshot

_RANKS = {Status.QUEUED: 0, Status.IN_PROGRESS: 1}
_ENDED = 2

_CLEAR_PROGRESS = 3
"""A page that is this many percent behind an earlier answer has not merely been rounded."""

_CLEAR_STEP = 10
"""Nor is this much often made between a page and the single answer right after it."""

_DISTRUSTED = 1.5
_FORGIVEN = 0.1
_PROVEN = 5
_FIRST_GAP = 0.75
"""The time between two samples at first, in poll intervals: polls may come a little early."""

_LONGEST_GAP = 6
_UNPROVEN_SAMPLES, _UNPROVEN_GAP = 20, 2
"""The longest gap, and the gap after so many samples of a list that never moved, in first gaps."""


class Contradiction(Enum):
    """How clearly a page lags behind a single answer; the value is its weight."""

    NONE = 0.0
    SLIGHT = 0.6
    WEAK = 1.0
    CLEAR = 2.0


def rank(snapshot: Snapshot) -> int | None:
    """Return how far a job has come by its status, None for an unknown word."""
    status = snapshot.status
    if status is None:
        return None
    return _ENDED if status.terminal else _RANKS[status]


def compare_after(listed: Snapshot, single: Snapshot) -> Contradiction:
    """Compare a page with the answer to a single request that was over before it was asked for."""
    behind = _ranks_behind(listed, single)
    if behind:
        return Contradiction.CLEAR
    lag = _percent_behind(listed, single)
    return Contradiction.WEAK if lag >= _CLEAR_PROGRESS else Contradiction.NONE


def compare_before(listed: Snapshot, single: Snapshot) -> Contradiction:
    """Compare a page with the answer to a single request that was made right after it."""
    behind = _ranks_behind(listed, single)
    if behind > 1:
        return Contradiction.CLEAR
    if behind:
        return Contradiction.WEAK
    lag = _percent_behind(listed, single)
    return Contradiction.SLIGHT if lag >= _CLEAR_STEP else Contradiction.NONE


def compare_with_end(listed: Snapshot) -> Contradiction:
    """Compare a page with a video that had ended, by a single answer, before it was asked for."""
    listed_rank = rank(listed)
    behind = listed_rank is not None and listed_rank < _ENDED
    return Contradiction.CLEAR if behind else Contradiction.NONE


def _percent_behind(listed: Snapshot, single: Snapshot) -> int:
    if listed.progress is None or single.progress is None or rank(listed) != rank(single):
        return 0
    return single.progress - listed.progress


def _ranks_behind(listed: Snapshot, single: Snapshot) -> int:
    theirs, ours = rank(listed), rank(single)
    return 0 if theirs is None or ours is None else max(ours - theirs, 0)


class ListTrust:
    """The trust in the lists of one gateway; moments are `Clock.now`."""

    def __init__(
        self,
        poll_interval: float,
        log: Any,  # noqa: ANN401 - structlog's loggers have no common type
    ) -> None:
        self.trusted = True
        self._interval = self._gap = _FIRST_GAP * poll_interval
        self._log = log
        self._doubt = 0.0
        self._samples = self._agreements = 0
        self._next_sample = float("-inf")

    def wants_sample(self, now: float) -> bool:
        """Return whether the next page is to be compared with single answers."""
        return self.trusted and (self._doubt > 0 or now >= self._next_sample)

    def record_sample(self, now: float) -> None:
        """Record that a sample was taken."""
        self._samples += 1
        if self._agreements >= _PROVEN:
            self._gap = min(2 * self._gap, _LONGEST_GAP * self._interval)
        elif self._samples > _UNPROVEN_SAMPLES:
            self._gap = _UNPROVEN_GAP * self._interval
        self._next_sample = now + self._gap

    def record(self, found: Contradiction, video_id: str, *, moved: bool = False) -> None:
        """Record a comparison; `moved` says that the page showed news with which it agreed."""
        if found is Contradiction.NONE:
            self._agreements += moved
            self._doubt = max(self._doubt - _FORGIVEN, 0.0)
            return
        self._doubt += found.value
        self._gap = self._interval
        if self._doubt >= _DISTRUSTED and self.trusted:
            self.trusted = False
            self._log.error(
                "list_not_trusted",
                video_id=video_id,
                hint="this gateway's list lags behind what it says about a single video; from now"
                ' on each video is asked about alone, as with list_videos = "never"',
            )
