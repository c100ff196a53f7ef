"""Which page of a gateway's list to ask for, and whether to ask for one at all.

Pure: no I/O and no clock. A page is named by its anchor, the id after which it begins (`after`):
however many new jobs come in at the head of the list, it shows the same ones. So for every video
it is remembered on which page it was last seen, and all that were seen on the same page are
answered by one request. Newcomers are looked for on the head page; who is not there, along the
chain of pages; and when very many are looked for (after a start, say), on pages that begin after
one of them, so that many chains run side by side.

Lists may not cost more than asking about each video alone. A page is asked for when it may save
two requests: one for everybody on it who is due, half a one for who would be due before long.
And there are accounts of what pages really saved: if that is less than they cost, lists (or the
search for more pages) are left alone for ten minutes, then twice as long, up to six hours.

A deleted anchor is refused, or followed by nothing or by the head of the list. That says nothing
of other pages; this one begins after another of its videos, and is forgotten if that fails too.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Literal

from notifier.polling.account import Account
from notifier.polling.seat import Seat

Mode = Literal["auto", "always", "never"]

LIMITS = (100, 20)
"""How many videos a page is asked for; the second if a gateway refuses the first."""

WORTH_OF_DUE, WORTH_OF_WELCOME = 1.0, 0.5
"""How many requests are saved by an answer to one who is due, or will be before long."""
_WORTH_A_PAGE: Mapping[Mode, float] = {"auto": 2, "always": 1, "never": 0}
_PAUSES: Mapping[Mode, tuple[float, float]] = {
    "auto": (600.0, 6 * 3600.0),
    "always": (60.0, 600.0),
    "never": (0.0, 0.0),
}
_SEED = 10
"""When so many were seen nowhere, more chains are begun."""
_MOST_CHAINS = 16
_MOST_FAILURES = 3
_MOST_LOST = 50
"""When so many anchors in a row are of no use, it is not that they are deleted."""


class Place:
    """A page, those who were seen there, and the request for it that is under way.

    `moved` says that it got another anchor and has not been seen since.
    """

    __slots__ = ("after", "moved", "request", "seats")

    def __init__(self, after: str | None) -> None:
        self.after = after
        self.seats: dict[Seat, None] = {}
        self.request: PageRequest | None = None
        self.moved = False


class PageRequest:
    """A page to ask for, and who is `expected` to be answered by it.

    `place` is None when nobody was seen on that page yet; `new` says how many were found on it
    that were seen nowhere before, `astray` that it was not the page that was asked for.
    """

    __slots__ = ("after", "astray", "expected", "limit", "new", "place")

    def __init__(self, limit: int, place: Place | None, after: str | None) -> None:
        self.limit = limit
        self.place = place
        self.after = after
        self.expected: dict[Seat, None] = {}
        self.new = 0
        self.astray = False


class Shelf:
    """Knows where videos were seen; moments are trio's clock. `ours` are all watched ones."""

    def __init__(self, mode: Mode, ours: Mapping[str, Seat]) -> None:
        self._mode = mode
        self._ours = ours
        self._head = Place(None)
        self._newcomers = dict.fromkeys(ours.values())
        self._at: dict[str, Place] = {}
        self._places: dict[str, Place] = {}
        self._chains: list[str] = []
        self._head_end: str | None = None
        self._first_id: str | None = None
        self._limits = list(LIMITS)
        self._failures = self._lost_in_a_row = 0
        self._lists = Account(*_PAUSES[mode])
        self._search = Account(*_PAUSES[mode])

    def join(self, seat: Seat) -> None:
        """Take note of one more seat."""
        if self._mode != "never":
            self._newcomers[seat] = None

    def forget(self, seat: Seat) -> None:
        """Forget one whose watch is over."""
        self._newcomers.pop(seat, None)
        self._take_away(seat)

    def under_way(self, seat: Seat) -> PageRequest | None:
        """Return the request that is under way and will answer `seat`."""
        place = self._at.get(seat.video_id)
        if place is None and seat in self._newcomers:
            place = self._head
        return None if place is None or seat.alone else place.request

    def plan(self, seat: Seat, now: float) -> PageRequest | None:
        """Return the page that answers one whose turn it is, None to ask about it alone."""
        if seat.alone or seat.denied or self._mode == "never" or not self._lists.is_open(now):
            seat.alone = False
            return None
        place = self._at.get(seat.video_id)
        if place is None and seat not in self._newcomers:
            return self._look_for(seat, now)
        if place is None or place is self._head:
            return self._ask_for(self._head, seat, now, self._newcomers)
        return self._ask_for(place, seat, now, ())

    def _ask_for(
        self, place: Place, seat: Seat, now: float, others: Iterable[Seat]
    ) -> PageRequest | None:
        saved = WORTH_OF_DUE
        for other in chain(place.seats, others):
            if saved >= _WORTH_A_PAGE[self._mode]:
                break
            if other.task is not None and other.soonest <= now and other is not seat:
                saved += WORTH_OF_DUE if other.due <= now else WORTH_OF_WELCOME
        else:
            if saved < _WORTH_A_PAGE[self._mode]:
                return None
        request = place.request = PageRequest(self._limits[0], place, place.after)
        request.expected = {
            other: None for other in chain(place.seats, others) if other.task and other.due <= now
        }
        request.expected[seat] = None
        return request

    def _look_for(self, seat: Seat, now: float) -> PageRequest | None:
        """Look further along the chains for what was seen nowhere."""
        lost = len(self._ours) - len(self._at) - len(self._newcomers)
        if lost < _WORTH_A_PAGE[self._mode] or not self._search.is_open(now):
            return None
        if self._chains:
            after = self._chains.pop()
        elif self._head_end is not None:
            after, self._head_end = self._head_end, None
        elif lost >= _SEED:
            after = seat.video_id
        else:
            return None
        request = PageRequest(self._limits[0], self._places.get(after), after)
        request.expected[seat] = None
        return request

    def learn(self, request: PageRequest, ids: Collection[str], end: str | None) -> None:
        """Take note of what is on a page; `end` is the cursor of the next one, if there is one."""
        self._failures = 0
        self._finish(request)
        after = request.after
        found = [seat for one in ids if (seat := self._ours.get(one)) is not None]
        if self._is_astray(request, ids, found):
            request.astray = True
            self._lose_anchor(request)
            return
        place = self._head if after is None else self._places.get(after) or Place(after)
        place.moved = False
        here = frozenset(found)
        request.new = self._put_there(place, found)
        gone = [seat for seat in place.seats if seat not in here]
        for seat in gone:
            self._take_away(seat)
        if place is self._head:
            self._newcomers.clear()
            if len(gone) > _WORTH_A_PAGE[self._mode]:
                self._chains.append(gone[0].video_id)  # the newest: the others follow it
        elif place.seats and after is not None:
            self._places[after] = place
            self._lost_in_a_row = 0
        if end is not None and end not in self._places and found:
            self._go_on_from(end, place, request.new, found[-1])

    def _put_there(self, place: Place, found: list[Seat]) -> int:
        """Note who was seen on a page; return how many were nowhere before.

        Who has another page stays there, unless all of that page's are on this one: so pages
        that overlap become few.
        """
        here = Counter(self._at.get(seat.video_id) for seat in found)
        new = 0
        for seat in found:
            old = self._at.get(seat.video_id)
            if old is None:
                new += 1
            elif old is place or here[old] < len(old.seats):
                continue
            else:
                here[old] -= 1
                self._take_away(seat)
            self._newcomers.pop(seat, None)
            place.seats[seat] = None
            self._at[seat.video_id] = place
        return new

    def _go_on_from(self, end: str, place: Place, new: int, last: Seat) -> None:
        """Look at the next page too, unless this one ended among those known from elsewhere."""
        if place is self._head:
            self._head_end = end
        elif self._at.get(last.video_id) is place and new >= _WORTH_A_PAGE[self._mode]:
            self._chains = [*self._chains[1 - _MOST_CHAINS :], end]

    def _is_astray(self, request: PageRequest, ids: Collection[str], found: list[Seat]) -> bool:
        """Tell whether a page is not the one that follows its anchor."""
        first = next(iter(ids), None)
        if request.after is None:
            self._first_id = first
            return False
        if request.after in ids or (first and first == self._first_id):
            return True
        return not found and request.place is not None

    def _lose_anchor(self, request: PageRequest) -> None:
        """Have a page begin after another of those who were seen there, but once only."""
        self._lost_in_a_row += 1
        if self._lost_in_a_row >= _MOST_LOST:
            for each in list(self._places.values()):
                self._remove(each)
        place = self._places.get(request.after or "")
        first = next(iter(place.seats)).video_id if place else ""
        if place and (place.moved or first in self._places):
            self._remove(place)
        elif place:
            del self._places[place.after or ""]
            self._places[first] = place
            place.after, place.moved = first, True

    def earned(self, request: PageRequest, saved: float, now: float) -> None:
        """Settle the account of a page that saved so many requests.

        To have found enough for a page that will be asked for again makes up for what it cost.
        """
        saved += request.new >= _WORTH_A_PAGE[self._mode]
        if request.astray:
            self._charge_search(now)
        elif request.place is None:
            self._search.settle(saved, now)
        elif self._mode == "auto":
            self._lists.settle(saved, now)

    def failed(self, request: PageRequest, now: float, *, refused: bool, too_many: bool) -> None:
        """Take note of a request that brought no page.

        `refused` tells that the gateway would answer no better next time; `too_many` that it
        may have been too large a page.
        """
        self._finish(request)
        if refused and request.after is not None:
            self._lose_anchor(request)
            self._charge_search(now)
            return
        if too_many and len(self._limits) > 1:
            del self._limits[0]
            return
        self._failures += 1
        if request.place is None:
            self._charge_search(now)
        if refused or self._failures >= _MOST_FAILURES:
            self._lists.close(now)
            self._limits = list(LIMITS)
            self._failures = 0

    def _charge_search(self, now: float) -> None:
        if self._search.is_open(now):  # once is enough for one cause
            self._search.settle(0, now)

    def _finish(self, request: PageRequest) -> None:
        if request.place is not None and request.place.request is request:
            request.place.request = None

    def _remove(self, place: Place) -> None:
        for seat in list(place.seats):
            self._take_away(seat)

    def _take_away(self, seat: Seat) -> None:
        """Note that somebody is not where it was; a page where nobody is left is forgotten."""
        place = self._at.pop(seat.video_id, None)
        if place is not None:
            place.seats.pop(seat, None)
            if not place.seats and self._places.get(place.after or "") is place:
                del self._places[place.after or ""]
