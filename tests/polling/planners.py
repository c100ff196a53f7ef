"""A gateway's list without I/O, and a scheduler that asks a planner which page to ask for."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from notifier.polling.page_planner import WORTH_OF_DUE, Mode, PagePlanner
from notifier.polling.page_range import PageRequest
from notifier.polling.poll_slot import PollSlot
from notifier.polling.ready_queue import ReadyQueue

INTERVAL = 20.0
REFUSED, BROKEN, TOO_MANY = "refused", "broken", "too_many"
_PARKED: Any = object()


@dataclass
class Listed:
    """Ids in the order of a list, the newest first; it can be made to page badly.

    `jobs` are oldest first. `most` caps a page, `refuses_above` a limit. `lost_cursor` is what
    a page after a deleted id is: refused, empty, or the head of the list.
    """

    jobs: dict[str, None] = field(default_factory=dict)
    most: int = 100
    refuses_above: int = 1000
    ignores_after: bool = False
    repeats: bool = False
    always_more: bool = False
    lost_cursor: str = REFUSED
    down: str | None = None
    _order: list[str] = field(default_factory=list)
    _rank: dict[str, int] = field(default_factory=dict)

    def add(self, names: Iterable[str]) -> None:
        """Put new jobs at the head."""
        self.jobs.update(dict.fromkeys(names))
        self._order = []

    def delete(self, names: Iterable[str]) -> None:
        """Take jobs out of the list."""
        for name in names:
            del self.jobs[name]
        self._order = []

    def page(self, limit: int, after: str | None) -> tuple[list[str], str | None] | str:
        """Return the ids of a page and the cursor of the next, or what there is instead."""
        if self.down is not None:
            return self.down
        if limit > self.refuses_above:
            return TOO_MANY
        if not self._order:
            self._order = list(reversed(self.jobs))
            self._rank = {name: number for number, name in enumerate(self._order)}
        first = 0
        if after is not None and not self.ignores_after:
            if after in self._rank:
                first = self._rank[after] + 1
            elif self.lost_cursor != "head":
                return REFUSED if self.lost_cursor == REFUSED else ([], None)
        ids = self._order[first : first + min(limit, self.most)]
        more = self.always_more or first + len(ids) < len(self._order)
        return ids + ids * self.repeats, ids[-1] if ids and more else None


class ModelScheduler:
    """Asks about each video every `INTERVAL`; `in_flight` answers are outstanding at a time.

    `answered` says when each video was answered last, `found` how many were found by search.
    """

    def __init__(self, gateway: Listed, mode: Mode = "auto", in_flight: int = 1) -> None:
        self.gateway = gateway
        self.slots: dict[str, PollSlot] = {}
        self.planner = PagePlanner(mode, self.slots)
        self.queue = ReadyQueue(self.planner)
        self.answered: dict[str, float] = {}
        self.singles = self.pages = self.found = 0
        self.asked: list[tuple[float, str | None]] = []
        self.now = 0.0
        self._in_flight = in_flight
        self._waiting: deque[tuple[PollSlot, PageRequest]] = deque()

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self.singles + self.pages

    def watch(self, names: Iterable[str]) -> None:
        """Watch more videos, due at once."""
        for name in names:
            slot = self.slots[name] = PollSlot(name)
            slot.task = _PARKED
            slot.due = slot.earliest = self.now
            self.planner.add(slot)

    def leave(self, names: Iterable[str]) -> None:
        """Watch these no longer."""
        for name in names:
            slot = self.slots.pop(name)
            self.queue.remove(slot)
            self.planner.remove(slot)

    def round(self, seconds: float = INTERVAL) -> int:
        """Answer all due videos, then let time pass; return how many requests that took."""
        before = self.requests
        for slot in list(self.slots.values()):
            if slot.due <= self.now:
                self.queue.add(slot)
        while self.queue or self._waiting:
            if self.queue and len(self._waiting) < self._in_flight:
                self._start_request()
            else:
                self._finish_request()
        self.now += seconds
        return self.requests - before

    def rounds(self, count: int) -> Iterator[int]:
        """Run so many rounds."""
        return (self.round() for _ in range(count))

    def _start_request(self) -> None:
        slot = self.queue.first()
        self.queue.remove(slot)
        request = self.queue.plan(slot, self.now)
        if request is None:
            self.singles += 1
            self._answer(slot)
            return
        self.pages += 1
        self.asked.append((self.now, request.after))
        slot.task = None
        self._waiting.append((slot, request))

    def _finish_request(self) -> None:
        carrier, request = self._waiting.popleft()
        carrier.task = _PARKED
        page = self.gateway.page(request.limit, request.after)
        if isinstance(page, str):
            refused, too_many = page != BROKEN, page == TOO_MANY
            self.planner.record_failure(request, self.now, refused=refused, too_many=too_many)
        else:
            self._apply_page(request, dict.fromkeys(page[0]), page[1])
        for slot in request.expected:
            if slot.due <= self.now and slot.video_id in self.slots:
                slot.single_only |= request.after is not None
                self.queue.add_first(slot)

    def _apply_page(self, request: PageRequest, ids: Mapping[str, None], end: str | None) -> None:
        self.planner.record_page(request, list(ids), end)
        self.found += request.new
        saved = 0.0
        for video_id in ids:
            slot = self.slots.get(video_id)
            if slot is not None and slot.task is not None and slot.due <= self.now:
                saved += WORTH_OF_DUE
                self.queue.remove(slot)
                self._answer(slot)
        self.planner.record_savings(request, saved, self.now)

    def _answer(self, slot: PollSlot) -> None:
        self.answered[slot.video_id] = self.now
        slot.due = self.now + INTERVAL
        slot.earliest = self.now + 5


def names(count: int, first: int = 0) -> list[str]:
    """Return so many ids, the oldest first."""
    return [f"video_{number:06}" for number in islice(range(first, first + count), count)]
