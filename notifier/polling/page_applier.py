"""Applies a list page to the slots that it answers.

A page ends no watch and settles no doubt. A video that ended by the page is asked about alone, at
once, and so is one about which the page says less than single answers do, and one that is past its
deadline. Once a list has shown an end too early, it is not used for that video again.
"""

import math
from collections.abc import Mapping

import trio

from notifier.gateway import Page
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized, outcome_text
from notifier.polling.lifecycle import LONGEST_WAIT
from notifier.polling.page_planner import WORTH_OF_DUE, WORTH_OF_EARLY
from notifier.polling.page_range import PageRequest
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.polling.ready_queue import ReadyQueue
from notifier.polling.timer_wheel import TimerWheel

SLOW = "slow"
"""The reason of a `PollError` for a page that took too long to wait for."""

_TOO_LARGE = frozenset({"too_large"})
_BAD_LIMIT = frozenset({400, 413, 422})
_PASSING = frozenset({"timeout", "connect", "reset"})
_LISTS_ALONE = frozenset({SLOW, "http_429"})
_SERVER_ERROR = 500


class PageApplier:
    """Applies pages to `slots`, the slots of all watched videos.

    A page answers no video whose last single answer is older than `longest_unasked` seconds.
    """

    def __init__(
        self, queue: ReadyQueue, slots: Mapping[str, PollSlot], timer_wheel: TimerWheel
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._timer_wheel = timer_wheel
        self._singles_have_progress = False
        self.longest_unasked = math.inf

    def record_single(self, slot: PollSlot, answer: Answer, at: float) -> None:
        """Record the answer to a single request that was made `at` a time (`Clock.now`)."""
        slot.asked_at = slot.single_at = at
        slot.listed = None
        if isinstance(answer, Seen):
            slot.last_error, slot.not_found = "", False
            if not self._singles_have_progress and answer.snapshot.progress is not None:
                self._singles_have_progress = not answer.snapshot.ended
        else:
            slot.last_error, slot.not_found = outcome_text(answer), isinstance(answer, NotFound)

    def apply(
        self, carrier: PollSlot, request: PageRequest, page: Page, at: float, *, sampled: bool
    ) -> PollResult | None:
        """Apply a page that `carrier` asked for to all slots; return the answer for `carrier`.

        None if the page has none for it, or if `carrier` was `sampled`, that is asked about alone
        before. Then another slot is to be asked about alone after it. `at` is when the page was
        asked for (`Clock.now`).
        """
        now = trio.current_time()
        end = None if page.has_more is False else page.last_id
        found = self._queue.planner.record_page(request, page.ids, end)
        own = None if sampled else self._own_answer(page, carrier, at)
        saved = 0.0 if own is None else WORTH_OF_DUE
        checked = self._slot_to_check(carrier, page, now) if sampled else None
        for slot in found:
            if slot is not carrier and slot is not checked and slot.task is not None:
                saved += self._apply_one(slot, page, at, now)
        self._queue.planner.record_savings(request, saved, now)
        self._requeue(carrier, request, now)
        if checked is not None:
            self._ask_alone_next(checked, page, at, now)
        if own is not None:
            self._record_listed(carrier, own, at)
            return PollResult(own, at, single=False)
        if not sampled:
            carrier.single_only |= request.after is not None or carrier.video_id in page
        return None

    def share(self, page: Page, after: str | None, at: float) -> None:
        """Apply a page that no slot waited for; see `apply`."""
        if not self._queue.planner.record_shared(page.ids, after, page.last_id):
            return
        now = trio.current_time()
        for video_id in page.ids:
            slot = self._slots.get(video_id)
            if slot is not None and slot.task is not None:
                self._apply_one(slot, page, at, now)

    def _own_answer(self, page: Page, carrier: PollSlot, at: float) -> Seen | None:
        if page.says_ended(carrier.video_id) or self._must_be_asked(carrier, at):
            return None
        return self._answer(page, carrier)

    def _must_be_asked(self, slot: PollSlot, at: float) -> bool:
        """Return whether only a single answer counts for a slot now."""
        if slot.deadline <= at:
            return True
        if self.longest_unasked == math.inf or slot.single_at == -math.inf:
            return False
        return at - slot.single_at > self.longest_unasked

    def _slot_to_check(self, carrier: PollSlot, page: Page, now: float) -> PollSlot | None:
        """Return the slot that a page would answer whose last single answer is the oldest."""
        slots = (self._slots.get(video_id) for video_id in page.ids)
        answered = (
            slot
            for slot in slots
            if slot is not None
            and slot is not carrier
            and slot.task is not None
            and slot.earliest <= now
            and not page.says_ended(slot.video_id)
        )
        return min(answered, key=lambda slot: slot.single_at, default=None)

    def _ask_alone_next(self, slot: PollSlot, page: Page, at: float, now: float) -> None:
        answer = self._answer(page, slot)
        if answer is not None:
            self._record_listed(slot, answer, at)
        slot.single_only, slot.due = True, min(slot.due, now)
        self._queue.add_first(slot)

    def reject(self, carrier: PollSlot, request: PageRequest, *, alone: bool) -> None:
        """Queue the slots again that a page was expected to answer, to be asked about `alone`."""
        self._queue.planner.cancel(request)
        for slot in request.expected:
            slot.single_only |= alone
        self._requeue(carrier, request, trio.current_time())

    def _apply_one(self, slot: PollSlot, page: Page, at: float, now: float) -> float:
        """Apply the page to one parked slot; return how many requests that saves."""
        due = slot.due <= now
        if page.says_ended(slot.video_id):
            if not slot.listed_as_ended:
                slot.listed_as_ended = True
                slot.due = min(slot.due, now)
                self._queue.add_first(slot)
            slot.single_only = slot.due <= now
            return 0.0
        if slot.earliest > now:
            return 0.0
        answer = None if self._must_be_asked(slot, at) else self._answer(page, slot)
        if answer is None:
            slot.single_only = due
            return 0.0
        self._queue.remove(slot)
        self._record_listed(slot, answer, at)
        try:
            accepted = slot.accept(answer, at, now, counts=due)
        except Exception:  # noqa: BLE001 - it shall fail in its own task, not in this one
            accepted = False
        if accepted:
            self._timer_wheel.add(slot)
        else:
            slot.wake(PollResult(answer, at, due, single=False))
        return WORTH_OF_DUE if due else WORTH_OF_EARLY

    def _record_listed(self, slot: PollSlot, answer: Seen, at: float) -> None:
        slot.asked_at, slot.last_error, slot.listed = at, "", answer.snapshot
        if slot.single_at == -math.inf:
            slot.single_at = at  # from now on `longest_unasked` counts

    def _answer(self, page: Page, slot: PollSlot) -> Seen | None:
        if slot.not_found:
            return None
        answer = page.answer(slot.video_id, slot.known)
        if answer is None or answer.snapshot.status is None:
            return None
        if self._singles_have_progress and answer.snapshot.progress is None:
            return None
        return answer

    def fail(
        self, carrier: PollSlot, request: PageRequest, answer: Unauthorized | PollError
    ) -> None:
        """Queue the slots again that a failed page was expected to answer."""
        status = answer.status if answer.status is not None else 0
        reason = answer.reason if isinstance(answer, PollError) else "unauthorized"
        passing = reason in _PASSING or status >= _SERVER_ERROR
        too_many = reason in _TOO_LARGE or status in _BAD_LIMIT
        now = trio.current_time()
        planner = self._queue.planner
        if reason in _LISTS_ALONE:
            planner.record_trouble(request, now, min(answer.wait or 0.0, LONGEST_WAIT))
        else:
            planner.record_failure(request, now, refused=not passing, too_many=too_many)
        carrier.single_only |= request.after is not None
        self._requeue(carrier, request, now)

    def _requeue(self, carrier: PollSlot, request: PageRequest, now: float) -> None:
        """Queue the expected slots that are due and still have no answer."""
        for slot in request.expected:
            if slot is carrier or slot.task is None or slot.due > now:
                continue
            # a video that was not on the head page is searched for further down
            slot.single_only |= request.after is not None
            self._queue.add_first(slot)
