"""Plans list pages: which page of a gateway's list to ask for, and whether to ask for one at all.

Pure: no I/O and no clock. For every video the planner keeps the range (see `page_range`) where it
was last seen, and one request answers all videos of a range. New videos are searched for on the
head page, then along the chain of pages that follow it. When very many are searched for (after a
start, say), pages begin after some of those videos, so that many chains are read side by side.

Lists must not cost more than asking about each video alone. A page is asked for when it may save
two requests: one for every video on it that is due, half a request for one that is due before
long. `SavingsGuard`s compare what pages really saved with what they cost. When they cost more,
lists (or the search for more pages) stay off for ten minutes, then twice as long, up to six hours.

A request after a deleted anchor is refused, or shows nothing, or shows the head of the list. That
says nothing about other pages. The range gets another of its videos as anchor, and is dropped if
that fails too.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from typing import Literal

from notifier.polling.page_range import PageRange, PageRequest, PageSightings
from notifier.polling.poll_slot import PollSlot
from notifier.polling.savings_guard import SavingsGuard

Mode = Literal["auto", "always", "never"]

LIMITS = (100, 20)
"""How many videos to ask for per page; the second if a gateway refuses the first."""

WORTH_OF_DUE, WORTH_OF_EARLY = 1.0, 0.5
"""How many requests an answer saves about a video that is due, or will be before long."""
_WORTH_A_PAGE: Mapping[Mode, float] = {"auto": 2, "always": 1, "never": 0}
_PAUSES: Mapping[Mode, tuple[float, float]] = {
    "auto": (600.0, 6 * 3600.0),
    "always": (60.0, 600.0),
    "never": (0.0, 0.0),
}
_SEED = 10  # when so many videos have no range, further chains are begun
_MOST_CHAINS = 16
_MOST_FAILURES = 3
_MOST_LOST = 50  # when so many anchors in a row fail, deletion is not the cause


class PagePlanner:
    """Keeps the range of each video; moments are trio's clock. `slots` are all watched videos."""

    def __init__(self, mode: Mode, slots: Mapping[str, PollSlot]) -> None:
        self._mode = mode
        self._slots = slots
        self._head = PageRange(None)
        self._unlocated = dict.fromkeys(slots.values())
        self._range_of: dict[PollSlot, PageRange] = {}
        self._ranges: dict[str, PageRange] = {}
        self._chains: list[str] = []
        self._head_end: str | None = None
        self._first_id: str | None = None
        self._sightings = PageSightings()
        self._limits = list(LIMITS)
        self._failures = self._lost_in_a_row = 0
        self._pages = SavingsGuard(*_PAUSES[mode])
        self._search = SavingsGuard(*_PAUSES[mode])

    def add(self, slot: PollSlot) -> None:
        """Add a slot; its video is searched for on the head page, unless it was seen elsewhere."""
        after = self._sightings.take(slot.video_id)
        if after is not None:
            self._assign(self._ranges.setdefault(after, PageRange(after)), [slot])
        elif self._mode != "never":
            self._unlocated[slot] = None

    def remove(self, slot: PollSlot) -> None:
        """Forget a slot whose watch is over."""
        self._unlocated.pop(slot, None)
        self._unassign(slot)

    def in_flight_for(self, slot: PollSlot) -> PageRequest | None:
        """Return the request in flight that is expected to answer `slot`."""
        page_range = self._range_of.get(slot)
        if page_range is None and slot in self._unlocated:
            page_range = self._head
        return None if page_range is None or slot.single_only else page_range.request

    def plan(self, slot: PollSlot, now: float) -> PageRequest | None:
        """Return the page to ask for on behalf of `slot`, None to ask about it alone."""
        if (
            slot.single_only
            or slot.not_found
            or self._mode == "never"
            or not self._pages.is_open(now)
        ):
            slot.single_only = False
            return None
        page_range = self._range_of.get(slot)
        if page_range is None and slot not in self._unlocated:
            return self._search_for(slot, now)
        if page_range is None or page_range is self._head:
            return self._request_range(self._head, slot, now, self._unlocated)
        return self._request_range(page_range, slot, now, ())

    def _request_range(
        self, page_range: PageRange, slot: PollSlot, now: float, others: Iterable[PollSlot]
    ) -> PageRequest | None:
        saved = WORTH_OF_DUE
        for other in chain(page_range.slots, others):
            if saved >= _WORTH_A_PAGE[self._mode]:
                break
            if other.task is not None and other.earliest <= now and other is not slot:
                saved += WORTH_OF_DUE if other.due <= now else WORTH_OF_EARLY
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

    def _search_for(self, slot: PollSlot, now: float) -> PageRequest | None:
        """Return the next page along a chain, to find videos without a range."""
        lost = len(self._slots) - len(self._range_of) - len(self._unlocated)
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

    def record_page(
        self, request: PageRequest, ids: Collection[str], end: str | None
    ) -> list[PollSlot]:
        """Record a page whose next cursor is `end`, None at the last; return the slots on it."""
        self._failures = 0
        self._finish(request)
        after = request.after
        found = [slot for one in ids if (slot := self._slots.get(one)) is not None]
        if self._is_unexpected(request, ids, found):
            request.unexpected = True
            self._lose_anchor(request)
            return found
        page_range = self._head if after is None else self._ranges.get(after) or PageRange(after)
        page_range.moved = False
        here = frozenset(found)
        request.new = self._assign(page_range, found)
        gone = [slot for slot in page_range.slots if slot not in here]
        for slot in gone:
            self._unassign(slot)
        if page_range is self._head:
            self._unlocated.clear()
            if len(gone) > _WORTH_A_PAGE[self._mode]:
                self._chains.append(gone[0].video_id)  # the newest; the others follow it
        elif page_range.slots and after is not None:
            self._ranges[after] = page_range
            self._lost_in_a_row = 0
        if end is not None and end not in self._ranges and found:
            self._continue_at(end, page_range, request.new, found[-1])
        return found

    def record_shared(self, ids: Collection[str], after: str | None, end: str | None) -> bool:
        """Record a page that was not planned, as `record_page` does; False if pages are off."""
        if self._mode == "never":
            return False
        if after is not None:
            self._sightings.add((one for one in ids if one not in self._slots), after)
        self.record_page(PageRequest(self._limits[0], None, after), ids, end)
        return True

    def _assign(self, page_range: PageRange, found: list[PollSlot]) -> int:
        """Assign slots to a range; return how many had none before.

        A slot keeps its earlier range, unless all slots of that range are on this page. So ranges
        that overlap become few.
        """
        ranges = Counter(map(self._range_of.get, found))
        emptied = {old for old, here in ranges.items() if old is None or here == len(old.slots)}
        emptied.discard(page_range)
        for slot in found if emptied else ():
            if self._range_of.get(slot) in emptied:
                self._unassign(slot)
                self._unlocated.pop(slot, None)
                page_range.slots[slot] = None
                self._range_of[slot] = page_range
        return ranges[None]

    def _continue_at(self, end: str, page_range: PageRange, new: int, last: PollSlot) -> None:
        """Read the next page later, unless this one ended among slots of other ranges."""
        if page_range is self._head:
            self._head_end = end
        elif self._range_of.get(last) is page_range and new >= _WORTH_A_PAGE[self._mode]:
            self._chains = [*self._chains[1 - _MOST_CHAINS :], end]

    def _is_unexpected(
        self, request: PageRequest, ids: Collection[str], found: list[PollSlot]
    ) -> bool:
        """Return whether a page is not the one that follows its anchor."""
        first = next(iter(ids), None)
        if request.after is None:
            self._first_id = first
            return False
        if request.after in ids or (first and first == self._first_id):
            return True
        return not found and request.page_range is not None

    def _lose_anchor(self, request: PageRequest) -> None:
        """Move a range to another of its slots as anchor, but only once; then drop it."""
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
        """Record that a page saved so many requests.

        A page that found enough videos for a range counts as having paid for itself.
        """
        saved += request.new >= _WORTH_A_PAGE[self._mode]
        if request.unexpected:
            self._charge_search(now)
        elif request.page_range is None:
            self._search.settle(saved, now)
        elif self._mode == "auto":
            self._pages.settle(saved, now)

    def stop(self) -> None:
        """Plan no pages any more."""
        self._mode = "never"

    def cancel(self, request: PageRequest) -> None:
        """Forget a request whose page is not used."""
        self._finish(request)

    def record_trouble(self, request: PageRequest, now: float, closed_for: float) -> None:
        """Record that lists alone are limited or slow: leave them, `closed_for` s at least."""
        self._finish(request)
        self._pages.close(now, closed_for)

    def record_failure(
        self, request: PageRequest, now: float, *, refused: bool, too_many: bool
    ) -> None:
        """Record a request that brought no page.

        `refused` says that a repetition would fail too; `too_many` that the page may have been
        too large.
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
        if request.page_range is None:
            self._charge_search(now)
        if refused or self._failures >= _MOST_FAILURES:
            self._pages.close(now)
            self._limits = list(LIMITS)
            self._failures = 0

    def _charge_search(self, now: float) -> None:
        if self._search.is_open(now):  # charge one cause only once
            self._search.settle(0, now)

    def _finish(self, request: PageRequest) -> None:
        if request.page_range is not None and request.page_range.request is request:
            request.page_range.request = None

    def _remove(self, page_range: PageRange) -> None:
        for slot in list(page_range.slots):
            self._unassign(slot)

    def _unassign(self, slot: PollSlot) -> None:
        """Take a slot out of its range; an empty range is dropped."""
        page_range = self._range_of.pop(slot, None)
        if page_range is not None:
            page_range.slots.pop(slot, None)
            if not page_range.slots and self._ranges.get(page_range.after or "") is page_range:
                del self._ranges[page_range.after or ""]
