"""Compares list pages with answers about single videos, and ends the use of lists that lag."""

from collections.abc import Callable
from typing import Any

from notifier.gateway import Page
from notifier.model.answer import Seen
from notifier.polling.ended_videos import EndedVideos
from notifier.polling.list_trust import (
    Contradiction,
    ListTrust,
    compare_after,
    compare_before,
)
from notifier.polling.poll_slot import PollResult, PollSlot

_PROMPT = 2.0
"""Within so many seconds after a page a single answer is compared with it."""


class ListComparisons:
    """The comparisons at one gateway, and the `trust` that follows from them.

    `hurry` has the slots asked about alone at once for which its argument is true, `stop_lists`
    ends the use of pages. `begin` is to be called first. Moments are `Clock.now`.
    """

    trust: ListTrust

    def __init__(
        self,
        log: Any,  # noqa: ANN401 - structlog's loggers have no common type
        hurry: Callable[[Callable[[PollSlot], bool]], None],
        stop_lists: Callable[[], None],
    ) -> None:
        self._log = log
        self._hurry = hurry
        self._stop_lists = stop_lists
        self._ended = EndedVideos()

    def begin(self, poll_interval: float) -> None:
        """Trust the lists from now on: those of before may have been another gateway's."""
        self.trust = ListTrust(poll_interval, self._log)

    def record_end(self, video_id: str, now: float) -> None:
        """Record that a single answer showed a video's end."""
        self._ended.add(video_id, now)

    def is_contradicted(
        self, slot: PollSlot, page: Page, at: float, sample: PollResult | None
    ) -> bool:
        """Compare a page with single answers from before; return whether it is not to be used."""
        found = [(*each, False) for each in self._ended.compare(page, at)]
        listed = page.answer(slot.video_id, slot.known)
        if sample is not None and isinstance(sample.answer, Seen) and listed is not None:
            moved = slot.known is not None and listed.snapshot != slot.known
            compared = compare_after(listed.snapshot, sample.answer.snapshot)
            found.append((compared, slot.video_id, moved))
        return self._record_all(found)

    def is_contradicted_by_ends(self, page: Page, at: float) -> bool:
        """Return whether a page shows a video as running that ended before it was asked for."""
        return self._record_all([(*each, False) for each in self._ended.compare(page, at)])

    def compare_with_page_before(self, slot: PollSlot, answer: Seen, at: float) -> None:
        """Compare a single answer with the page that was read right before it, if any was."""
        listed, page_at = slot.listed, slot.asked_at
        if listed is None or at - page_at > _PROMPT:
            return
        found = compare_before(listed, answer.snapshot)
        self._record(found, slot.video_id)
        if found is not Contradiction.NONE:
            # the others on that page were answered by it, too
            self._hurry(lambda other: other.listed is not None and other.asked_at == page_at)

    def _record_all(self, found: list[tuple[Contradiction, str, bool]]) -> bool:
        for contradiction, video_id, moved in found:
            self._record(contradiction, video_id, moved=moved)
        return any(contradiction is not Contradiction.NONE for contradiction, *_ in found)

    def _record(self, found: Contradiction, video_id: str, *, moved: bool = False) -> None:
        trusted = self.trust.trusted
        self.trust.record(found, video_id, moved=moved)
        if trusted and not self.trust.trusted:
            self._stop_lists()
            self._hurry(lambda slot: slot.listed is not None)
