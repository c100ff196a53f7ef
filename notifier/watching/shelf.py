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
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Literal

from notifier.watching.account import Account
from notifier.watching.seat import Seat

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
_SEED = 100
"""When so many were seen nowhere, more chains are begun."""

_MOST_CHAINS = 16
_MOST_FAILURES = 3


class Place:
    """A page, those who were seen there, and the request for it that is under way."""

    __slots__ = ("after", "request", "seats")

    def __init__(self, after: str | None) -> None:
        self.after = after
        self.seats: dict[Seat, None] = {}
        self.request: PageRequest | None = None


class PageRequest:
    """A page to ask for, and who is `expected` to be answered by it.

    `place` is None when nobody was seen on that page yet; `new` says how many were found on it
    that were seen nowhere before.
    """

    __slots__ = ("after", "expected", "limit", "new", "place")

    def __init__(self, limit: int, place: Place | None, after: str | None) -> None:
        self.limit = limit
        self.place = place
        self.after = after
        self.expected: dict[Seat, None] = {}
        self.new = 0


class Shelf:
    """Knows where videos were seen; moments are trio's clock.

    `ours` are the seats of all videos that are watched.
    """

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
        self._only_head = False
        self._limits = list(LIMITS)
        self._failures = 0
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
        doubtful = seat.alone or seat.denied
        if doubtful or self._mode == "never" or not self._lists.is_open(now):
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
        if lost < _WORTH_A_PAGE[self._mode] or self._only_head or not self._search.is_open(now):
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
        if self._ignores_after(request, ids):
            self._use_only_head()
            return
        place = request.place or self._places.get(request.after or "") or Place(request.after)
        found = [seat for one in ids if (seat := self._ours.get(one)) is not None]
        here = frozenset(found)
        request.new = self._put_there(place, found)
        for seat in [seat for seat in place.seats if seat not in here]:
            self._take_away(seat)
        if place is self._head:
            self._newcomers.clear()
        elif place.seats and place.after is not None:
            self._places[place.after] = place
        self._go_on_from(end, place, request.new)

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

    def _go_on_from(self, end: str | None, place: Place, new: int) -> None:
        if end is None or end in self._places:
            return
        if place is self._head:
            self._head_end = end
        elif new >= _WORTH_A_PAGE[self._mode] and len(self._chains) < _MOST_CHAINS:
            self._chains.append(end)

    def _ignores_after(self, request: PageRequest, ids: Collection[str]) -> bool:
        first = next(iter(ids), None)
        if request.after is None:
            self._first_id = first
            return False
        return request.after in ids or (first is not None and first == self._first_id)

    def _use_only_head(self) -> None:
        self._only_head = True
        self._chains.clear()
        for place in list(self._places.values()):
            self._remove(place)

    def earned(self, request: PageRequest, saved: float, now: float) -> None:
        """Settle the account of a page that saved so many requests.

        To have found somebody makes up for what it cost, but not for more.
        """
        saved += min(request.new, 1)
        if request.place is None:
            self._search.settle(saved, now)
        elif self._mode == "auto":
            self._lists.settle(saved, now)

    def failed(self, request: PageRequest, now: float, *, refused: bool, too_many: bool) -> None:
        """Take note of a request that brought no page.

        `refused` tells that the gateway would answer no better next time; `too_many` that it
        may have been too large a page.
        """
        self._finish(request)
        self._failures += 1
        if request.after is None and too_many and len(self._limits) > 1:
            del self._limits[0]
            return
        if request.after is not None and refused and request.place is not None:
            self._remove(request.place)  # its anchor may be deleted
        if request.place is None:
            self._search.settle(0, now)
        if (refused and request.after is None) or self._failures >= _MOST_FAILURES:
            self._lists.close(now)
            self._limits = list(LIMITS)
            self._only_head = False
            self._failures = 0

    def _finish(self, request: PageRequest) -> None:
        if request.place is not None and request.place.request is request:
            request.place.request = None

    def _remove(self, place: Place) -> None:
        for seat in list(place.seats):
            self._take_away(seat)

    def _take_away(self, seat: Seat) -> None:
        """Note that somebody is not where it was; a page where nobody is left is forgotten."""
        place = self._at.pop(seat.video_id, None)
        if place is None:
            return
        place.seats.pop(seat, None)
        if not place.seats and self._places.get(place.after or "") is place:
            del self._places[place.after or ""]
