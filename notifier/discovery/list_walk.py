"""Walks over the pages of a list: which page to read next, and when the walk is over. Pure.

A list is newest first, as a rule. A walk begins at its head and goes on page by page until the
last job of a page is known from an earlier, complete walk. A list whose times rise is oldest
first: there a walk goes on from the tail, where the last one ended, to the end of the list. Where
the times prove neither, a new job may be anywhere: a walk that is to be `whole` reads such a list,
and one that is oldest first, from the head to the end.

The next page is the one after an anchor, the id of a job on the page before. The anchor is not the
last job but one before it, so that a right answer begins with a job that was on the page before.
Gateways answer a deleted anchor with a refusal, with an empty page, or with the head of the list,
and those without pages answer with the head every time. Then other anchors are tried, from further
up the page. If none brings the page, the list has no further pages.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from notifier.discovery.list_order import Order, OrderEvidence
from notifier.gateway import ListedVideo

MOST_PAGES = 100
"""The most pages that one walk reads."""

TAIL = 10
"""How many ids are kept to find the end of a list that is oldest first."""


class ListPage(NamedTuple):
    """A page as a walk needs it; see `notifier.gateway.Page`."""

    videos: Sequence[ListedVideo]
    has_more: bool | None
    last_id: str | None


class _Anchor(NamedTuple):
    """The id to read on from, and the ids of which one begins the answer; none: any may."""

    after: str
    overlap: frozenset[str] = frozenset()


class ListWalk:
    """One walk; `after` names the page to read next, None the head, until it `is_over`.

    `meets` tells whether a job of a complete walk is met. The walk reaches back to `oldest`, which
    is `reach` seconds before `now` (Unix seconds), or before the newest job that was read if the
    gateway's clock is behind. `tail` is where the last walk over a list that is oldest first
    ended. `newest_first` is True for a list that earlier walks have found to be so. A `whole` walk
    begins at the head and finds out anew.

    At the end `cut_at` is the `created_at` where the walk stopped short of what is known, None
    when it did not. `is_complete` is False when a list that is oldest first has more pages than
    one walk reads, and when the gateway refused a further page. `pages` counts those that were
    read.
    """

    def __init__(
        self,
        meets: Callable[[ListedVideo], bool],
        *,
        now: float,
        reach: float,
        tail: Sequence[str] = (),
        whole: bool = False,
        newest_first: bool = False,
    ) -> None:
        self._meets = meets
        self._reach = reach
        self._now, self._newest = now, -math.inf
        self.oldest = now - reach
        self.pages = 0
        self._old_tail = tuple(tail)
        tail = () if whole else self._old_tail
        self._seen = set(tail)
        self._last_ids = tail
        self._anchors = _anchors(tail)
        self._lost_anchor = self._was_refused = False
        self._end = tail[-1] if tail else None
        self._resumes = bool(self._anchors)
        self._to_the_end = whole or self._resumes
        presumed = Order.NEWEST_FIRST if newest_first and not whole else Order.UNPROVEN
        self._evidence = OrderEvidence(Order.OLDEST_FIRST if self._resumes else presumed)
        self.after: str | None = self._anchors[0].after if self._anchors else None
        self.is_over = self.is_complete = False
        self.cut_at: int | None = None

    @property
    def order(self) -> Order:
        """The order of the list, as far as it was read."""
        return self._evidence.order

    @property
    def may_be_newest_first(self) -> bool:
        """Whether nothing that was read contradicts a list that is newest first."""
        return self._evidence.may_be_newest_first

    @property
    def tail(self) -> tuple[str, ...]:
        """The last ids of a list that is oldest first and has several pages, else nothing."""
        if self.order is not Order.OLDEST_FIRST:
            return ()
        if self._old_tail and not (self._resumes or self.is_complete):
            return self._old_tail  # this walk is not there yet
        beyond_head = self._resumes or self.after is not None or self.pages > 1
        return self._last_ids if beyond_head else ()

    def read(self, page: ListPage) -> Sequence[ListedVideo]:
        """Go on by the page that was read; return its jobs, none if it is not the right page."""
        self.pages += 1
        if self._is_wrong(page):
            self._try_next_anchor()
            return ()
        self._read_times(page)
        ids = [video.listed_as for video in page.videos]
        fresh = not self._seen.issuperset(ids)
        self._seen.update(ids)
        self._last_ids = tuple(dict.fromkeys((*self._last_ids, *ids)))[-TAIL:]
        ends = self._ends(page, fresh=fresh)
        self._end = ids[-1] if ids else None
        if ends:
            self._finish()
        else:
            self._go_on(page, ids)
        self._lost_anchor = self._was_refused = False
        return page.videos

    def _read_times(self, page: ListPage) -> None:
        new = (video for video in page.videos if video.listed_as not in self._seen)
        self._evidence.add(video.created_at for video in new)
        times = _times(page)
        if times:
            self._newest = max(self._newest, *times)
            self.oldest = min(self._now, self._newest) - self._reach

    def refused(self) -> None:
        """Try another anchor: the gateway refused this one. If it refuses all, it may be ill."""
        self._was_refused = True
        self._try_next_anchor()

    def end_here(self) -> None:
        """Take the list to end where it can be read no further."""
        self.is_complete = True

    def _try_next_anchor(self) -> None:
        self._anchors, self._lost_anchor = self._anchors[1:], True
        if self._anchors:
            self.after = self._anchors[0].after
        elif self._resumes and self.after is not None:
            # the tail is gone: read the list anew
            self.after, self._resumes, self._last_ids, self._old_tail = None, False, (), ()
            self._evidence = OrderEvidence(Order.UNPROVEN)
        else:
            self.is_over, self.is_complete = True, not self._was_refused

    def _is_wrong(self, page: ListPage) -> bool:
        if self.after is None:
            return False
        overlap = self._anchors[0].overlap
        return not page.videos or (bool(overlap) and page.videos[0].listed_as not in overlap)

    def _ends(self, page: ListPage, *, fresh: bool) -> bool:
        if not page.videos or page.has_more is False or page.last_id is None:
            return True
        if self.order is Order.OLDEST_FIRST or self._searches:
            # after another anchor than the best one, pages repeat what was read before
            repeats = not fresh and page.videos[-1].listed_as == self._end
            if repeats and not self._lost_anchor:
                return True
        elif not fresh or self._meets(page.videos[-1]):
            return True
        return self._stops_short(page)

    @property
    def _searches(self) -> bool:
        """Whether new jobs may be anywhere, and are looked for up to the end."""
        return self._to_the_end and self.order is Order.UNPROVEN

    def _stops_short(self, page: ListPage) -> bool:
        """Return whether the walk has gone far enough; where, is `cut_at`."""
        if self.order is Order.OLDEST_FIRST:
            return False
        last, proven = page.videos[-1].created_at, self.order is Order.NEWEST_FIRST
        too_old = proven and last is not None and last < self.oldest
        if not too_old and self.pages < MOST_PAGES:
            return False
        times = _times(page)
        if proven or not times:
            self.cut_at = min(times, default=None)
        else:
            # what is behind this page may be of any time
            self.cut_at = int(self.oldest)
        return True

    def _go_on(self, page: ListPage, ids: Sequence[str]) -> None:
        if page.last_id == ids[-1] and len(ids) > 1:
            self._anchors = _anchors(ids)
        else:
            self._anchors = [_Anchor(page.last_id or ids[-1])]
        self.after = self._anchors[0].after
        if self.pages >= MOST_PAGES:
            self.is_over = True  # of a list that is oldest first; the next walk goes on here

    def _finish(self) -> None:
        self.is_over = self.is_complete = True


def _anchors(ids: Sequence[str]) -> list[_Anchor]:
    """Return the anchors for the page that follows `ids`, the best one first.

    Some gateways begin the page with the anchor itself, or earlier.
    """
    if len(ids) < 2:  # noqa: PLR2004 - the last id is no anchor
        return []
    last = len(ids) - 2
    places = dict.fromkeys((last, last - last // 4, 0))
    return [_Anchor(ids[place], frozenset(ids[1:])) for place in places]


def _times(page: ListPage) -> list[int]:
    return [video.created_at for video in page.videos if video.created_at is not None]
