"""Reads pages of `GET {base_url}/videos`, which answer for many videos at once.

A page is indexed once. An item that is known from the reading before (`recent_pages`) needs no
parser. Any other is parsed only when its video is asked for, by the same parser as a single
answer. An ambiguous item (two with the same id, one without a status) is no answer; that video is
then asked about alone.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from notifier.gateway import fields
from notifier.gateway.asked_ids import AskedIds
from notifier.gateway.decode import UnreadableError, decode_quickly
from notifier.gateway.job import STATUS_FIELDS
from notifier.gateway.job_search import find_job
from notifier.gateway.listed_item import WRAPPERS, Item, ids_of, read_item
from notifier.gateway.recent_pages import KnownParts
from notifier.gateway.response_classifier import Dialect, asked_wait, classify
from notifier.gateway.video_parser import is_repeated
from notifier.model.answer import PollError, Seen, Unauthorized
from notifier.model.status import read_status
from notifier.model.video import Json, Snapshot

_LIST_NAMES = (
    *("data", "items", "videos", "results", "list", "records", "tasks", "jobs", "generations"),
    *("result", "output", "response"),
)
_MORE_STATUSES = frozenset({*STATUS_FIELDS, *WRAPPERS}) - {"status"}
_MAX_CURSOR = 512
_OK = HTTPStatus.OK  # Python 3.11 takes long to find a member
_ABOUT_ONE_VIDEO = frozenset({"no_video", "other_id", "contradiction"})

_Listed = Item | Snapshot
"""An item as it was decoded, or what it says, if that is known already; it runs then."""

_SEVERAL: Final[Item] = {}


class ListedVideo(NamedTuple):
    """An item of a page: a video's id, and what the list says about its age and its end.

    `listed_as` is the id as the gateway wrote it, `created_at` is in Unix seconds by the gateway's
    clock, None when the gateway does not say.
    """

    video_id: str
    listed_as: str
    created_at: int | None
    ended: bool


class Page:
    """One page of a list.

    `ids` are the ids of its items in their order, each item once. An id that a gateway encodes
    anew is given as it was asked for. `last_id` is the cursor of the
    next page, None if there is none. `has_more` is None when the gateway did not give it. `wait`
    is the wait that the gateway asked for, in seconds.
    """

    __slots__ = ("_dialect", "_ends", "_items", "_may_echo", "has_more", "ids", "last_id", "wait")

    def __init__(
        self,
        envelope: Item,
        listed: Sequence[Json | Snapshot],
        dialect: Dialect,
        *,
        may_echo: bool,
    ) -> None:
        self._dialect = dialect
        self._ends: dict[str, bool] = {}
        self._may_echo = may_echo
        self.ids, self._items = _by_id(listed, dialect.asked)
        more, last = envelope.get("has_more"), envelope.get("last_id")
        self.has_more: bool | None = more if isinstance(more, bool) else None
        named = isinstance(last, str) and 0 < len(last) <= _MAX_CURSOR
        self.last_id: str | None = last if named else _last_id(listed)
        self.wait: float | None = None

    def __contains__(self, video_id: object) -> bool:
        """Return whether an item has the id `video_id`."""
        return video_id in self._items

    def says_ended(self, video_id: str) -> bool:
        """Return whether the item with the id `video_id` has a terminal status word."""
        item = self._items.get(video_id)
        if item is None or isinstance(item, Snapshot):
            return False  # nearly always: what is known runs
        word = self._status_word(item, video_id)
        if word is None:
            return False
        if word not in self._ends:
            status = read_status(word, self._dialect.status_words)
            self._ends[word] = status is not None and status.terminal
        return self._ends[word]

    def videos(self) -> list[ListedVideo]:
        """Return every item, in the order of the page."""
        return [self._listed(video_id) for video_id in self.ids]

    def _listed(self, video_id: str) -> ListedVideo:
        item = self._items[video_id]
        if isinstance(item, Snapshot):
            return ListedVideo(video_id, video_id, item.created_at, ended=False)
        created_at = fields.timestamp(item.get("created_at"))
        if created_at is None and not _MORE_STATUSES.isdisjoint(item):
            job = find_job(item, video_id, self._dialect.status_words, unnamed=False).job
            created_at = None if job is None else fields.timestamp(job.body.get("created_at"))
        listed_as = next(iter(ids_of(item)), video_id)
        return ListedVideo(video_id, listed_as, created_at, self.says_ended(video_id))

    def _status_word(self, item: Item, video_id: str) -> str | None:
        word = item.get("status")
        if isinstance(word, str) and _MORE_STATUSES.isdisjoint(item):
            return word
        job = find_job(item, video_id, self._dialect.status_words, unnamed=False).job
        return None if job is None else job.word

    def answer(self, video_id: str, known: Snapshot | None = None) -> Seen | None:
        """Return the page's answer about a video; None if there is no clear one.

        When the item says less than `known`, and nothing else, the answer has that very object as
        its snapshot.
        """
        item = self._items.get(video_id)
        if item is None or item is _SEVERAL:
            return None
        if isinstance(item, Snapshot):
            changed = item is not known and known is not None and item != known
            if changed and item.after(known) == known:
                item = known
            return Seen(item, _OK, self.wait)
        if known is not None and not self._may_echo and is_repeated(known, item, video_id):
            return Seen(known, _OK, self.wait)
        dialect = self._dialect
        if self._may_echo:
            item = dialect.echoes.masked(item, video_id, dialect.status_words)
        seen = read_item(item, video_id, dialect)
        return None if seen is None else seen._replace(wait=self.wait)


def read_page(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    dialect: Dialect,
    wall: float,
    known: KnownParts | None = None,
) -> Page | Unauthorized | PollError:
    """Return the page in an answer to a list request, or the kind of error; never raises.

    `known` is what `RecentPages` found in the body. An answer without a list is classified like an
    answer about a single video.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        page = _known_page(known, dialect) or _whole_page(body, dialect)
        if page is not None:
            page.wait = asked_wait(headers, wall)
            return page
    return _judged(status, headers, body, dialect, wall)


def _known_page(known: KnownParts | None, dialect: Dialect) -> Page | None:
    if known is None:
        return None
    envelope, listed = _find_list(known.around)
    if listed is None:
        return None  # what looked like a list is none
    return Page(envelope, known.items, dialect, may_echo=False)


def _whole_page(body: bytes, dialect: Dialect) -> Page | None:
    try:
        value = decode_quickly(body)
    except UnreadableError:
        return None
    envelope, listed = _find_list(value)
    if listed is None:
        return None
    return Page(envelope, listed, dialect, may_echo=dialect.echoes.may_be_in(body))


def _judged(
    status: int, headers: Mapping[str, str], body: bytes, dialect: Dialect, wall: float
) -> Unauthorized | PollError:
    answer = classify(status, headers, body, video_id="", dialect=dialect, wall=wall)
    match answer:
        case Unauthorized():
            return answer
        case PollError() if answer.reason not in _ABOUT_ONE_VIDEO:
            return answer
        case _ if status >= HTTPStatus.BAD_REQUEST:
            detail = "" if isinstance(answer, Seen) else answer.detail
            return PollError(f"http_{status}", detail, "", status, answer.wait)
        case _:
            return PollError("no_list", "JSON without a list of videos", "", status, answer.wait)


def _find_list(value: Json) -> tuple[Item, list[Json] | None]:
    """Return the object around a list, and the list; some gateways wrap both once more."""
    if isinstance(value, list):
        return {}, value
    if not isinstance(value, dict):
        return {}, None
    held = [value[name] for name in _LIST_NAMES if name in value]
    for around in (value, *(one for one in held if isinstance(one, dict))):
        named = (around[name] for name in _LIST_NAMES if name in around)
        found = next((one for one in named if isinstance(one, list)), None)
        if found is not None:
            return around, found
    return {}, None


def _last_id(listed: Sequence[Json | Snapshot]) -> str | None:
    """Return the id of the last item as the gateway wrote it, which is a cursor."""
    last = next((item for item in reversed(listed) if isinstance(item, dict | Snapshot)), None)
    names = () if last is None else _names(last)
    return names[0] if names else None


def _by_id(
    listed: Sequence[Json | Snapshot], asked: AskedIds
) -> tuple[list[str], dict[str, _Listed]]:
    """Return the first id of each item, and every id with its item, or `_SEVERAL` of them."""
    order: list[str] = []
    items: dict[str, _Listed] = {}
    for item in listed:
        if isinstance(item, Snapshot):
            names: tuple[str, ...] = (item.id,)
        elif isinstance(item, dict):
            names = tuple(map(asked.as_asked, ids_of(item)))
        else:
            continue
        if not names:
            continue
        if names[0] not in items:
            order.append(names[0])
        for name in names:
            items[name] = _SEVERAL if name in items else item
    return order, items


def _names(item: _Listed) -> tuple[str, ...]:
    return (item.id,) if isinstance(item, Snapshot) else ids_of(item)
