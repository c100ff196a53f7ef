"""Handing out what a page of a gateway's list says to those who wait for it.

A page ends nothing and settles no doubt: whoever ended by it is asked about alone, at once, and
so is whoever it says less about than single answers do. A list that told an end too early is
asked about that video no more.
"""

from collections.abc import Mapping

import trio

from notifier.gateway import Page
from notifier.model.answer import Answer, Denied, Missing, Seen, Trouble
from notifier.polling.line import Line
from notifier.polling.seat import Asked, Seat
from notifier.polling.shelf import WORTH_OF_DUE, WORTH_OF_WELCOME, PageRequest
from notifier.polling.timetable import Timetable

_TOO_LARGE = frozenset({"too_large"})
_BAD_LIMIT = frozenset({400, 413, 422})
_PASSING = frozenset({"timeout", "connect", "reset", "http_429"})
_SERVER_ERROR = 500


class Lists:
    """Knows what single answers tell; `seats` are those of all watched videos."""

    def __init__(self, line: Line, seats: Mapping[str, Seat], timetable: Timetable) -> None:
        self._line = line
        self._seats = seats
        self._timetable = timetable
        self._singles_tell_progress = False

    def heard(self, seat: Seat, answer: Answer) -> None:
        """Take note of a single answer."""
        seat.denied = isinstance(answer, Missing)
        if isinstance(answer, Seen) and answer.snapshot.progress is not None:
            self._singles_tell_progress |= not answer.snapshot.ended

    def hand_out(self, carrier: Seat, request: PageRequest, page: Page, at: float) -> Asked | None:
        """Tell those who are answered by a page that `carrier` asked for; return its own answer.

        None if the page has none for it. `at` is when the page was asked for (`Clock.now`).
        """
        now = trio.current_time()
        end = None if page.has_more is False else page.last_id
        self._line.shelf.learn(request, page.ids, end)
        own = None if page.says_ended(carrier.video_id) else self._answer(page, carrier)
        saved = 0.0 if own is None else WORTH_OF_DUE
        for video_id in page.ids:
            seat = self._seats.get(video_id)
            if seat is not None and seat is not carrier and seat.task is not None:
                saved += self._hand(seat, page, at, now)
        self._line.shelf.earned(request, saved, now)
        self._put_back(carrier, request, now)
        if own is None:
            carrier.alone |= request.after is not None or carrier.video_id in page
            return None
        return Asked(own, at)

    def _hand(self, seat: Seat, page: Page, at: float, now: float) -> float:
        """Answer one who waits; return how many requests that saves."""
        due = seat.due <= now
        if page.says_ended(seat.video_id):
            if not seat.told_ended:
                seat.told_ended = True
                seat.due = min(seat.due, now)
                self._line.put_first(seat)
            seat.alone = seat.due <= now
            return 0.0
        if seat.soonest > now:
            return 0.0
        answer = self._answer(page, seat)
        if answer is None:
            seat.alone = due
            return 0.0
        self._line.remove(seat)
        self._tell(seat, Asked(answer, at, due), now)
        return WORTH_OF_DUE if due else WORTH_OF_WELCOME

    def _tell(self, seat: Seat, asked: Asked, now: float) -> None:
        try:
            heard = seat.hear(asked, now)
        except Exception:  # noqa: BLE001 - its own task is to stumble over it, not this one
            heard = False
        if heard:
            self._timetable.add(seat)
        else:
            seat.wake(asked)

    def _answer(self, page: Page, seat: Seat) -> Seen | None:
        if seat.denied:
            return None
        answer = page.answer(seat.video_id, seat.known)
        if answer is None or answer.snapshot.status is None:
            return None
        told = answer.snapshot.progress is not None
        return answer if told or not self._singles_tell_progress else None

    def fail(self, carrier: Seat, request: PageRequest, answer: Denied | Trouble) -> None:
        """Have those who were expected on a page that did not come asked about in another way."""
        status = answer.status if answer.status is not None else 0
        reason = answer.reason if isinstance(answer, Trouble) else "denied"
        passing = reason in _PASSING or status >= _SERVER_ERROR
        too_many = reason in _TOO_LARGE or status in _BAD_LIMIT
        now = trio.current_time()
        self._line.shelf.failed(request, now, refused=not passing, too_many=too_many)
        carrier.alone |= request.after is not None
        self._put_back(carrier, request, now)

    def _put_back(self, carrier: Seat, request: PageRequest, now: float) -> None:
        """Let those have their turn who were expected on a page and still wait for an answer."""
        for seat in request.expected:
            if seat is carrier or seat.task is None or seat.due > now:
                continue
            # who was not on the head page is looked for further down
            seat.alone |= request.after is not None
            self._line.put_first(seat)
