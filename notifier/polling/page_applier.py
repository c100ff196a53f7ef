"""Handing out what a page of a gateway's list says to those who wait for it.

A page ends nothing and settles no doubt: whoever ended by it is asked about alone, at once, and
so is whoever it says less about than single answers do. A list that told an end too early is
asked about that video no more.
"""

from collections.abc import Mapping

import trio

from notifier.gateway import Page
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.polling.page_planner import WORTH_OF_DUE, WORTH_OF_WELCOME, PageRequest
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.polling.ready_queue import ReadyQueue
from notifier.polling.timer_wheel import TimerWheel

_TOO_LARGE = frozenset({"too_large"})
_BAD_LIMIT = frozenset({400, 413, 422})
_PASSING = frozenset({"timeout", "connect", "reset", "http_429"})
_SERVER_ERROR = 500


class PageApplier:
    """Knows what single answers tell; `slots` are those of all watched videos."""

    def __init__(
        self, queue: ReadyQueue, slots: Mapping[str, PollSlot], timer_wheel: TimerWheel
    ) -> None:
        self._queue = queue
        self._slots = slots
        self._timer_wheel = timer_wheel
        self._singles_tell_progress = False

    def on_single_answer(self, slot: PollSlot, answer: Answer) -> None:
        """Take note of a single answer."""
        slot.not_found = isinstance(answer, NotFound)
        if isinstance(answer, Seen) and answer.snapshot.progress is not None:
            self._singles_tell_progress |= not answer.snapshot.ended

    def apply(
        self, carrier: PollSlot, request: PageRequest, page: Page, at: float
    ) -> PollResult | None:
        """Tell those who are answered by a page that `carrier` asked for; return its own answer.

        None if the page has none for it. `at` is when the page was asked for (`Clock.now`).
        """
        now = trio.current_time()
        end = None if page.has_more is False else page.last_id
        self._queue.planner.record_page(request, page.ids, end)
        own = None if page.says_ended(carrier.video_id) else self._answer(page, carrier)
        saved = 0.0 if own is None else WORTH_OF_DUE
        for video_id in page.ids:
            slot = self._slots.get(video_id)
            if slot is not None and slot is not carrier and slot.task is not None:
                saved += self._apply_one(slot, page, at, now)
        self._queue.planner.record_savings(request, saved, now)
        self._requeue(carrier, request, now)
        if own is None:
            carrier.single_only |= request.after is not None or carrier.video_id in page
            return None
        return PollResult(own, at)

    def _apply_one(self, slot: PollSlot, page: Page, at: float, now: float) -> float:
        """Answer one who waits; return how many requests that saves."""
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
        answer = self._answer(page, slot)
        if answer is None:
            slot.single_only = due
            return 0.0
        self._queue.remove(slot)
        self._pass_on(slot, PollResult(answer, at, due), now)
        return WORTH_OF_DUE if due else WORTH_OF_WELCOME

    def _pass_on(self, slot: PollSlot, asked: PollResult, now: float) -> None:
        try:
            on_single_answer = slot.accept_listed(asked, now)
        except Exception:  # noqa: BLE001 - its own task is to stumble over it, not this one
            on_single_answer = False
        if on_single_answer:
            self._timer_wheel.add(slot)
        else:
            slot.wake(asked)

    def _answer(self, page: Page, slot: PollSlot) -> Seen | None:
        if slot.not_found:
            return None
        answer = page.answer(slot.video_id, slot.known)
        if answer is None or answer.snapshot.status is None:
            return None
        told = answer.snapshot.progress is not None
        return answer if told or not self._singles_tell_progress else None

    def fail(
        self, carrier: PollSlot, request: PageRequest, answer: Unauthorized | PollError
    ) -> None:
        """Have those who were expected on a page that did not come asked about in another way."""
        status = answer.status if answer.status is not None else 0
        reason = answer.reason if isinstance(answer, PollError) else "denied"
        passing = reason in _PASSING or status >= _SERVER_ERROR
        too_many = reason in _TOO_LARGE or status in _BAD_LIMIT
        now = trio.current_time()
        self._queue.planner.record_failure(request, now, refused=not passing, too_many=too_many)
        carrier.single_only |= request.after is not None
        self._requeue(carrier, request, now)

    def _requeue(self, carrier: PollSlot, request: PageRequest, now: float) -> None:
        """Let those have their turn who were expected on a page and still wait for an answer."""
        for slot in request.expected:
            if slot is carrier or slot.task is None or slot.due > now:
                continue
            # who was not on the head page is looked for further down
            slot.single_only |= request.after is not None
            self._queue.add_first(slot)
