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

from notifier.polling.poll_slot import PollSlot
from notifier.polling.savings_guard import SavingsGuard

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


class PageRange:
    """A page, those who were seen there, and the request for it that is under way.

    `moved` says that it got another anchor and has not been seen since.
    """

    __slots__ = ("after", "moved", "request", "slots")

    def __init__(self, after: str | None) -> None:
        self.after = after
        self.slots: dict[PollSlot, None] = {}
        self.request: PageRequest | None = None
        self.moved = False


class PageRequest:
    """A page to ask for, and who is `expected` to be answered by it.

    `page_range` is None when no watched video was seen on that page yet; `new` counts the videos
    that were seen nowhere before, `unexpected` tells that it was not the page asked for.
    """

    __slots__ = ("after", "expected", "limit", "new", "page_range", "unexpected")

    def __init__(self, limit: int, page_range: PageRange | None, after: str | None) -> None:
        self.limit = limit
        self.page_range = page_range
        self.after = after
        self.expected: dict[PollSlot, None] = {}
        self.new = 0
        self.unexpected = False


class PagePlanner:
    """Knows where videos were seen; moments are trio's clock. `ours` are all watched ones."""

    def __init__(self, mode: Mode, ours: Mapping[str, PollSlot]) -> None:
        self._mode = mode
        self._ours = ours
        self._head = PageRange(None)
        self._unlocated = dict.fromkeys(ours.values())
        self._at: dict[str, PageRange] = {}
        self._ranges: dict[str, PageRange] = {}
        self._chains: list[str] = []
        self._head_end: str | None = None
        self._first_id: str | None = None
        self._limits = list(LIMITS)
        self._failures = self._lost_in_a_row = 0
        self._pages = SavingsGuard(*_PAUSES[mode])
        self._search = SavingsGuard(*_PAUSES[mode])

    def add(self, slot: PollSlot) -> None:
        """Take note of one more seat."""
        if self._mode != "never":
            self._unlocated[slot] = None

    def remove(self, slot: PollSlot) -> None:
        """Forget one whose watch is over."""
        self._unlocated.pop(slot, None)
        self._take_away(slot)

    def in_flight_for(self, slot: PollSlot) -> PageRequest | None:
        """Return the request that is under way and will answer `slot`."""
        page_range = self._at.get(slot.video_id)
        if page_range is None and slot in self._unlocated:
            page_range = self._head
        return None if page_range is None or slot.single_only else page_range.request

    def plan(self, slot: PollSlot, now: float) -> PageRequest | None:
        """Return the page that answers one whose turn it is, None to ask about it alone."""
        if (
            slot.single_only
            or slot.not_found
            or self._mode == "never"
            or not self._pages.is_open(now)
        ):
            slot.single_only = False
            return None
        page_range = self._at.get(slot.video_id)
        if page_range is None and slot not in self._unlocated:
            return self._look_for(slot, now)
        if page_range is None or page_range is self._head:
            return self._ask_for(self._head, slot, now, self._unlocated)
        return self._ask_for(page_range, slot, now, ())

    def _ask_for(
        self, page_range: PageRange, slot: PollSlot, now: float, others: Iterable[PollSlot]
    ) -> PageRequest | None:
        saved = WORTH_OF_DUE
        for other in chain(page_range.slots, others):
            if saved >= _WORTH_A_PAGE[self._mode]:
                break
            if other.task is not None and other.earliest <= now and other is not slot:
                saved += WORTH_OF_DUE if other.due <= now else WORTH_OF_WELCOME
        else:
            if saved < _WORTH_A_PAGE[self._mode]:
                return None
        request = page_range.request = PageRequest(self._limits[0], page_range, page_range.after)
        request.expected = {
            other: None
            for other in chain(page_range.slots, others)
            if other.task and other.due <= now
        }
        request.expected[slot] = None
        return request

    def _look_for(self, slot: PollSlot, now: float) -> PageRequest | None:
        """Look further along the chains for what was seen nowhere."""
        lost = len(self._ours) - len(self._at) - len(self._unlocated)
        if lost < _WORTH_A_PAGE[self._mode] or not self._search.is_open(now):
            return None
        if self._chains:
            after = self._chains.pop()
        elif self._head_end is not None:
            after, self._head_end = self._head_end, None
        elif lost >= _SEED:
            after = slot.video_id
        else:
            return None
        request = PageRequest(self._limits[0], self._ranges.get(after), after)
        request.expected[slot] = None
        return request

    def record_page(self, request: PageRequest, ids: Collection[str], end: str | None) -> None:
        """Take note of what is on a page; `end` is the cursor of the next one, if there is one."""
        self._failures = 0
        self._terminal(request)
        after = request.after
        found = [slot for one in ids if (slot := self._ours.get(one)) is not None]
        if self._is_astray(request, ids, found):
            request.unexpected = True
            self._lose_anchor(request)
            return
        page_range = self._head if after is None else self._ranges.get(after) or PageRange(after)
        page_range.moved = False
        here = frozenset(found)
        request.new = self._put_there(page_range, found)
        gone = [slot for slot in page_range.slots if slot not in here]
        for slot in gone:
            self._take_away(slot)
        if page_range is self._head:
            self._unlocated.clear()
            if len(gone) > _WORTH_A_PAGE[self._mode]:
                self._chains.append(gone[0].video_id)  # the newest: the others follow it
        elif page_range.slots and after is not None:
            self._ranges[after] = page_range
            self._lost_in_a_row = 0
        if end is not None and end not in self._ranges and found:
            self._go_on_from(end, page_range, request.new, found[-1])

    def _put_there(self, page_range: PageRange, found: list[PollSlot]) -> int:
        """Note who was seen on a page; return how many were nowhere before.

        Who has another page stays there, unless all of that page's are on this one: so pages
        that overlap become few.
        """
        here = Counter(self._at.get(slot.video_id) for slot in found)
        new = 0
        for slot in found:
            old = self._at.get(slot.video_id)
            if old is None:
                new += 1
            elif old is page_range or here[old] < len(old.slots):
                continue
            else:
                here[old] -= 1
                self._take_away(slot)
            self._unlocated.pop(slot, None)
            page_range.slots[slot] = None
            self._at[slot.video_id] = page_range
        return new

    def _go_on_from(self, end: str, page_range: PageRange, new: int, last: PollSlot) -> None:
        """Look at the next page too, unless this one ended among those known from elsewhere."""
        if page_range is self._head:
            self._head_end = end
        elif self._at.get(last.video_id) is page_range and new >= _WORTH_A_PAGE[self._mode]:
            self._chains = [*self._chains[1 - _MOST_CHAINS :], end]

    def _is_astray(
        self, request: PageRequest, ids: Collection[str], found: list[PollSlot]
    ) -> bool:
        """Tell whether a page is not the one that follows its anchor."""
        first = next(iter(ids), None)
        if request.after is None:
            self._first_id = first
            return False
        if request.after in ids or (first and first == self._first_id):
            return True
        return not found and request.page_range is not None

    def _lose_anchor(self, request: PageRequest) -> None:
        """Have a page begin after another of those who were seen there, but once only."""
        self._lost_in_a_row += 1
        if self._lost_in_a_row >= _MOST_LOST:
            for each in list(self._ranges.values()):
                self._remove(each)
        page_range = self._ranges.get(request.after or "")
        first = next(iter(page_range.slots)).video_id if page_range else ""
        if page_range and (page_range.moved or first in self._ranges):
            self._remove(page_range)
        elif page_range:
            del self._ranges[page_range.after or ""]
            self._ranges[first] = page_range
            page_range.after, page_range.moved = first, True

    def record_savings(self, request: PageRequest, saved: float, now: float) -> None:
        """Settle the account of a page that saved so many requests.

        To have found enough for a page that will be asked for again makes up for what it cost.
        """
        saved += request.new >= _WORTH_A_PAGE[self._mode]
        if request.unexpected:
            self._charge_search(now)
        elif request.page_range is None:
            self._search.settle(saved, now)
        elif self._mode == "auto":
            self._pages.settle(saved, now)

    def record_failure(
        self, request: PageRequest, now: float, *, refused: bool, too_many: bool
    ) -> None:
        """Take note of a request that brought no page.

        `refused` tells that the gateway would answer no better next time; `too_many` that it
        may have been too large a page.
        """
        self._terminal(request)
        if refused and request.after is not None:
            self._lose_anchor(request)
            self._charge_search(now)
            return
        if too_many and len(self._limits) > 1:
            del self._limits[0]
            return
        self._failures += 1
        if request.page_range is None:
            self._charge_search(now)
        if refused or self._failures >= _MOST_FAILURES:
            self._pages.close(now)
            self._limits = list(LIMITS)
            self._failures = 0

    def _charge_search(self, now: float) -> None:
        if self._search.is_open(now):  # once is enough for one cause
            self._search.settle(0, now)

    def _terminal(self, request: PageRequest) -> None:
        if request.page_range is not None and request.page_range.request is request:
            request.page_range.request = None

    def _remove(self, page_range: PageRange) -> None:
        for slot in list(page_range.slots):
            self._take_away(slot)

    def _take_away(self, slot: PollSlot) -> None:
        """Note that somebody is not where it was; a page where nobody is left is forgotten."""
        page_range = self._at.pop(slot.video_id, None)
        if page_range is not None:
            page_range.slots.pop(slot, None)
            if not page_range.slots and self._ranges.get(page_range.after or "") is page_range:
                del self._ranges[page_range.after or ""]
