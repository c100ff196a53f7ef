"""Recognises the items that list pages repeat, so that these need a compare and no parser.

From one reading of a page to the next most items stay as they are, or change in their progress
alone. An item is recognised by the hash of its bytes, which takes no memory to speak of; the hash
has 64 bits and a secret key (`hash` of bytes), so two items with the same one do not occur. So is
a whole page that says nothing new, and then it is not even taken apart.

The bytes of an item are found without parsing the page. That is sound because no JSON object is
the beginning of another one: where an item may begin, a text that is an object by itself is the
item. A page where the items cannot be told apart so easily is parsed as a whole.
"""

import re
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from sys import intern
from typing import NamedTuple

from notifier.gateway.decode import UnreadableError, decode_part, is_plain
from notifier.gateway.listed_item import Item, ids_of, read_item
from notifier.gateway.response_classifier import Dialect
from notifier.model.status import Status
from notifier.model.video import Json, Snapshot

MOST = 1_500
"""How many pages are remembered; those that were read longest ago are forgotten first."""

MOST_ITEMS = 150_000
"""How many items all these pages have together: a gateway may send thousands on a page."""

LONGEST_ITEM = 4096
"""The longest item whose meaning is remembered, in bytes."""

LONGEST_AROUND = 512
"""The same for what is around a list: decoded it may take ten times as much."""

_RUNNING = frozenset({Status.QUEUED, Status.IN_PROGRESS})
_BETWEEN = re.compile(rb"\}\s*,\s*\{")
_PROGRESS = re.compile(rb'"progress"\s*:\s*(0|[1-9][0-9]?|100)(?=[\s,]|$)')
_WHITESPACE = b" \t\r\n"
_NONE = 0
"""Stands for the hash of what has no clear progress."""


class KnownParts(NamedTuple):
    """The value `around` a list, with the list empty, and its `items`.

    An item is what it says, if that is known, else the decoded object.
    """

    around: Json
    items: Sequence[Json | Snapshot]


class _KnownPage(NamedTuple):
    """A page's items: hashes of their bytes, of these without the progress, and what they say.

    What is not remembered of an item, because it does not say clearly that a video runs, is None.
    If there is no such item, `whole` is the hash of all the page's bytes, and `around` the value
    around its list, unless that is long.
    """

    hashes: "array[int]"
    without_progress: "array[int]"
    seen: list[Snapshot | None]
    whole: int | None = None
    around: Json = None


_EMPTY = _KnownPage(array("q"), array("q"), [])


class RecentPages:
    """What the items of the latest pages said, by the id after which a page begins.

    It is remembered from the second reading on: where a page begins that is read once, as in the
    first walk over a list, none may ever begin again.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._pages: OrderedDict[str | None, _KnownPage] = OrderedDict()
        self._items = 0
        self._valid_for = (0, 0)

    def read(self, after: str | None, body: bytes) -> KnownParts | None:
        """Return a page with the items that are known; None if it has to be parsed as a whole."""
        self._forget_if_changed()
        known = self._pages.get(after)
        if known is not None and known.whole == hash(body):
            self._pages.move_to_end(after)
            return KnownParts(known.around, known.seen)
        parts = _split(body)
        if parts is None or self._dialect.echoes.may_be_in(body):
            return None
        envelope, items = parts
        if known is None:
            self._remember(after, _EMPTY)
            return None
        try:
            around = decode_part(envelope)
            page, listed = self._compared(known, items)
        except UnreadableError:
            return None
        if None not in page.seen and len(envelope) <= LONGEST_AROUND:
            page = page._replace(whole=hash(body), around=around)
        self._remember(after, page)
        return KnownParts(around, listed)

    def _remember(self, after: str | None, page: _KnownPage) -> None:
        self._items += len(page.seen) - len(self._pages.get(after, _EMPTY).seen)
        self._pages[after] = page
        self._pages.move_to_end(after)
        while len(self._pages) > MOST or self._items > MOST_ITEMS:
            _, forgotten = self._pages.popitem(last=False)
            self._items -= len(forgotten.seen)

    def _forget_if_changed(self) -> None:
        """Forget everything when the same bytes may mean something else from now on."""
        valid_for = self._dialect.echoes.secrets, self._dialect.asked.changes
        if valid_for != self._valid_for:
            self._valid_for = valid_for
            self._pages.clear()
            self._items = 0

    def _compared(
        self, known: _KnownPage, items: list[bytes]
    ) -> tuple[_KnownPage, list[Item | Snapshot]]:
        """Return a page as it is to be remembered, and its items as far as they are known."""
        same = {value: place for place, value in enumerate(known.hashes)}
        similar = {value: place for place, value in enumerate(known.without_progress) if value}
        page = _KnownPage(array("q", map(hash, items)), array("q"), [])
        listed: list[Item | Snapshot] = []
        for item, value in zip(items, page.hashes, strict=True):
            place = same.get(value)
            seen = None if place is None else known.seen[place]
            if place is not None and seen is not None:
                rest = known.without_progress[place]
                listed.append(seen)
            else:
                rest, progress = _without_progress(item)
                place = similar.get(rest)
                before = None if place is None else known.seen[place]
                if before is not None:
                    seen = before._replace(progress=progress)
                    listed.append(seen)
                else:
                    decoded = _decoded(item)
                    seen = self._clear_answer(decoded) if len(item) <= LONGEST_ITEM else None
                    listed.append(decoded if seen is None else seen)
            page.without_progress.append(rest)
            page.seen.append(seen)
        return page, listed

    def _clear_answer(self, item: Item) -> Snapshot | None:
        """Return what an item says if it has one id alone and its video runs."""
        names = ids_of(item)
        if len(names) != 1 or self._dialect.asked.as_asked(names[0]) != names[0]:
            return None
        # interned as the ids of watches are: one text for all that is known about a video
        seen = read_item(item, intern(names[0]), self._dialect)
        return seen.snapshot if seen is not None and seen.snapshot.status in _RUNNING else None


def _split(body: bytes) -> tuple[bytes, list[bytes]] | None:
    """Return a page with its list empty, and each item without its braces; None if unclear."""
    first, last = body.find(b"[") + 1, body.rfind(b"]")
    if not first or not is_plain(body) or body.count(b"[") != 1 or body.count(b"]") != 1:
        return None
    listed = body[first:last].strip(_WHITESPACE)
    if listed[:1] != b"{" or listed[-1:] != b"}":
        return None
    between = _BETWEEN.search(listed)
    inner = listed[1:-1]
    items = [inner] if between is None else inner.split(between[0])
    return body[:first] + body[last:], items


def _decoded(item: bytes) -> Item:
    """Return an item; raises UnreadableError if it is no object by itself."""
    value = decode_part(b"{%s}" % item)
    if not isinstance(value, dict):
        raise UnreadableError("not an object")
    return value


def _without_progress(item: bytes) -> tuple[int, int | None]:
    """Return the hash of an item without its progress, and the progress; `_NONE` if unclear."""
    found = _PROGRESS.search(item)
    if found is None or b"{" in item or b"\\" in item or item.count(b'"progress"') != 1:
        return _NONE, None
    return hash((item[: found.start(1)], item[found.end(1) :])), int(found[1])
