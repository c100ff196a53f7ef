"""A page whose items are recognised says what it would say if it were parsed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.gateway import recent_pages
from notifier.gateway.decode import decode_part
from notifier.gateway.pages import Page, read_page
from notifier.gateway.recent_pages import LONGEST_AROUND, LONGEST_ITEM, MOST, RecentPages
from notifier.gateway.response_classifier import Dialect
from notifier.gateway.secret_echo import SecretEchoMask
from notifier.model.answer import PollError, Unauthorized
from notifier.model.video import Snapshot

Read = Page | Unauthorized | PollError


def video(video_id: str = "a", **fields: object) -> dict[str, object]:
    said = {"id": video_id, "object": "video", "status": "in_progress", "progress": 10}
    return {**said, "model": "sora-2", "created_at": 7, "error": None, **fields}


def listed(*items: object, **around: object) -> bytes:
    return json.dumps({"object": "list", "data": list(items), **around}).encode()


def read(body: bytes, recent: RecentPages | None, dialect: Dialect) -> Read:
    known = None if recent is None else recent.read(None, body)
    return read_page(200, {}, body, dialect=dialect, wall=0.0, known=known)


def everything(page: Read, known: dict[str, Snapshot]) -> object:
    """Return all that a page says, also to those who know a snapshot of a video."""
    if not isinstance(page, Page):
        return page
    said = [
        (one, page.says_ended(one), page.answer(one), _told(page, one, known)) for one in "abc"
    ]
    return page.ids, page.last_id, page.has_more, page.videos(), said


def _told(page: Page, video_id: str, known: dict[str, Snapshot]) -> object:
    """Return what a watch knows after the page's answer."""
    before = known.get(video_id)
    answer = page.answer(video_id, before)
    return None if answer is None else answer.snapshot.after(before)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the parts of pages that were decoded."""
    parts: list[bytes] = []

    def counting(part: bytes) -> Any:  # noqa: ANN401 - JSON
        parts.append(part)
        return decode_part(part)

    monkeypatch.setattr(recent_pages, "decode_part", counting)
    return parts


def items_in(parts: list[bytes]) -> list[str]:
    found = [json.loads(part) for part in parts]
    return [part["id"] for part in found if "id" in part]


def reread(dialect: Dialect) -> RecentPages:
    """Return what remembers the page, because there was one before."""
    recent = RecentPages(dialect)
    assert recent.read(None, listed(video("z"))) is None
    return recent


def test_a_page_that_was_read_once_is_not_remembered(decoded: list[bytes]) -> None:
    recent = RecentPages(Dialect())
    body = listed(video("b"), video("a"))
    assert recent.read(None, body) is None
    for _ in range(3):
        assert recent.read(None, body) is not None
    assert items_in(decoded) == ["b", "a"]


def test_items_that_stay_as_they_were_are_not_decoded_again(decoded: list[bytes]) -> None:
    recent = reread(Dialect())
    for _ in range(3):
        page = read(listed(video("b"), video("a"), has_more=False), recent, Dialect())
        assert isinstance(page, Page)
        assert (page.ids, page.has_more) == (["b", "a"], False)
    assert items_in(decoded) == ["b", "a"]


def test_nothing_of_a_page_that_stays_as_it_was_is_decoded_again(decoded: list[bytes]) -> None:
    recent = reread(Dialect())
    body = listed(video("b"), video("a"), has_more=False, last_id="a")
    first = read(body, recent, Dialect())
    decoded.clear()
    again = read(body, recent, Dialect())
    assert everything(again, {}) == everything(first, {})
    assert not decoded


def test_a_page_around_which_something_changed_says_so() -> None:
    recent = reread(Dialect())
    for has_more in (True, True, False):
        page = read(listed(video("b"), has_more=has_more, last_id="b"), recent, Dialect())
        assert isinstance(page, Page)
        assert page.has_more is has_more


def test_a_page_with_an_item_that_ended_says_so_again_and_again() -> None:
    recent = reread(Dialect())
    for _ in range(3):
        page = read(listed(video("b"), video("a", status="completed")), recent, Dialect())
        assert isinstance(page, Page)
        assert (page.says_ended("a"), page.says_ended("b")) == (True, False)


def test_an_item_whose_progress_moved_is_not_decoded_again(decoded: list[bytes]) -> None:
    recent = reread(Dialect())
    for progress in (0, 9, 10, 100):
        page = read(listed(video(progress=progress), video("b")), recent, Dialect())
        assert isinstance(page, Page)
        answer = page.answer("a")
        assert answer is not None
        assert answer.snapshot.progress == progress
    assert items_in(decoded) == ["a", "b"]


def test_items_that_moved_down_the_page_are_recognised(decoded: list[bytes]) -> None:
    recent = reread(Dialect())
    read(listed(video("b"), video("a")), recent, Dialect())
    page = read(listed(video("c"), video("b"), video("a")), recent, Dialect())
    assert isinstance(page, Page)
    assert page.ids == ["c", "b", "a"]
    assert items_in(decoded) == ["b", "a", "c"]


def test_an_item_that_ended_is_decoded() -> None:
    recent = reread(Dialect())
    read(listed(video("b"), video("a")), recent, Dialect())
    page = read(listed(video("b"), video("a", status="completed")), recent, Dialect())
    assert isinstance(page, Page)
    assert (page.says_ended("a"), page.says_ended("b")) == (True, False)


def test_a_secret_that_was_sent_later_is_masked_in_what_was_known() -> None:
    echoes = SecretEchoMask()
    dialect = Dialect(echoes=echoes)
    recent = reread(dialect)
    body = listed(video(model="sk-0123456789"))
    read(body, recent, dialect)
    echoes.add("sk-0123456789")
    page = read(body, recent, dialect)
    assert isinstance(page, Page)
    answer = page.answer("a")
    assert answer is not None
    assert answer.snapshot.model == "[secret]"


def test_a_watch_that_knows_more_than_the_list_says_keeps_its_snapshot() -> None:
    recent = reread(Dialect())
    body = listed(video(model=None))
    for _ in range(2):
        page = read(body, recent, Dialect())
        assert isinstance(page, Page)
        answer = page.answer("a")
        assert answer is not None
        known = answer.snapshot._replace(model="sora-2")
        told = page.answer("a", known)
        assert told is not None
        assert told.snapshot is known


def test_only_the_latest_pages_are_remembered(decoded: list[bytes]) -> None:
    recent = reread(Dialect())
    body = listed(video())
    for after in ("first", "first", *map(str, range(MOST - 1))):
        recent.read(after, body)
    decoded.clear()
    assert recent.read("first", body) is not None
    assert items_in(decoded) == []
    for number in range(MOST):
        recent.read(str(number), body)
    assert recent.read("first", body) is None


def test_no_more_items_are_remembered_than_fit(
    decoded: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_pages, "MOST_ITEMS", 100)
    recent = RecentPages(Dialect())
    body = listed(*(video(str(number)) for number in range(20)))
    for after in ("first", *map(str, range(5))):
        for _ in range(2):
            recent.read(after, body)
    decoded.clear()
    recent.read("4", body)
    assert items_in(decoded) == []
    assert recent.read("first", body) is None


def test_what_a_long_item_says_is_not_remembered(decoded: list[bytes]) -> None:
    recent = reread(Dialect())
    body = listed(video("a"), video("b", x="x" * LONGEST_ITEM))
    recent.read(None, body)
    decoded.clear()
    recent.read(None, body)
    assert items_in(decoded) == ["b"]


def test_what_is_around_a_list_is_not_remembered_if_it_is_long(decoded: list[bytes]) -> None:
    recent = reread(Dialect())
    body = listed(video("a"), x="x" * LONGEST_AROUND)
    recent.read(None, body)
    decoded.clear()
    assert recent.read(None, body) is not None
    assert len(decoded) == 1
    assert items_in(decoded) == []


_ITEMS = st.one_of(
    st.builds(
        video,
        st.sampled_from("abc"),
        progress=st.sampled_from([0, 10, 99, 100, 101, None, "10", 1.5]),
        status=st.sampled_from(["queued", "in_progress", "completed", "odd", 3]),
        model=st.sampled_from(["sora-2", None, "},{", '"progress": 3', "[", "é"]),
    ),
    st.builds(video, st.sampled_from("abc"), error=st.just({"code": "c", "progress": 3})),
    st.builds(video, st.sampled_from("abc"), data=st.builds(video, st.sampled_from("abc"))),
    st.builds(video, st.sampled_from("abc"), tags=st.just([{"id": "c"}, {"id": "b"}])),
    st.sampled_from([{}, None, 7, {"id": ""}, {"video_id": "b", "status": "queued"}]),
)
_AROUND = st.sampled_from(
    [{}, {"has_more": True, "last_id": "z"}, {"note": "[{}]"}, {"items": []}, {"more": [{}, {}]}]
)
_SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " : ")])


@given(st.lists(st.tuples(st.lists(_ITEMS, max_size=4), _AROUND, _SEPARATORS), max_size=5))
def test_a_page_says_what_it_would_say_if_the_pages_before_were_not_known(
    pages: list[tuple[list[object], dict[str, object], tuple[str, str]]],
) -> None:
    dialect, known = Dialect(), dict[str, Snapshot]()
    recent = reread(dialect)
    for items, around, separators in pages:
        value = {"data": items, **around}
        body = json.dumps(value, separators=separators, ensure_ascii=False).encode()
        page = read(body, recent, dialect)
        assert everything(page, known) == everything(read(body, None, dialect), known)
        if isinstance(page, Page):
            answers = {one: page.answer(one, known.get(one)) for one in page.ids}
            known |= {one: answer.snapshot for one, answer in answers.items() if answer}


@pytest.mark.parametrize(
    "body",
    [
        b'{"data":[{"id":"a","status":"queued"},{"id":"b"]}',
        b'{"data":[{"id":"a","status":"queued"},{"id":"b","status":"queued"}}',
        b'{"note":"[{}]","data":null}',
        b'{"data":[{"id":"a","status":"queued"}],}',
        b'[{"id":"a","status":"queued"},{"id":"b","status":"queued"}]',
        b'{"data":[{"id":"a","status":"queued"}7{"id":"b","status":"queued"}]}',
        b'{"data":[ {"id":"a","status":"queued"} , {"id":"b","status":"queued"} ]}',
        b'{"data":[{"id":"a","status":"queued"},{"id":"b","status":"queued"} , {"id":"c"}]}',
        b'{"data":[{"id":"a","status":"queued","note":"\\"},{\\""}]}',
        b'{"data":[{"id":"a","status":"queued","\\u0070rogress":5,"progress":6}]}',
        b'{"data":[{"id":"a","status":"queued","progress":6,"progress":7}]}',
        b"[]",
        b"[{}]",
        b"",
    ],
)
def test_what_is_hardly_a_page_is_read_as_it_would_be_alone(body: bytes) -> None:
    recent = reread(Dialect())
    alone = everything(read(body, None, Dialect()), {})
    for _ in range(2):
        assert everything(read(body, recent, Dialect()), {}) == alone
