"""What a page of a list says about each video, and when it says nothing."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.gateway.extra_fields import MAX_EXTRA
from notifier.gateway.pages import Page, read_page
from notifier.gateway.response_classifier import Dialect, classify
from notifier.gateway.secret_echo import SecretEchoMask
from notifier.gateway.urls import list_url
from notifier.model.answer import PollError, Seen, Unauthorized
from notifier.model.status import Status

JSON = {"content-type": "application/json"}
PLAIN = Dialect()
NOT_FOUND = {"error": {"code": "video_not_found", "message": "Video not found"}}


def read(body: object, status: int = 200, dialect: Dialect = PLAIN, **headers: str) -> Any:  # noqa: ANN401 - a page or what is none
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_page(status, {**JSON, **named}, text, dialect=dialect, wall=0.0)


def page(*items: object, dialect: Dialect = PLAIN, **around: object) -> Page:
    read_it = read({"object": "list", "data": list(items), **around}, dialect=dialect)
    assert isinstance(read_it, Page)
    return read_it


def video(video_id: str, status: str = "in_progress", **fields: object) -> dict[str, object]:
    return {"id": video_id, "object": "video", "status": status, **fields}


def test_a_page_has_its_ids_in_order_its_cursor_and_whether_there_is_more() -> None:
    it = page(video("b"), video("a"), has_more=True, first_id="b", last_id="cursor")
    assert (it.ids, it.last_id, it.has_more) == (["b", "a"], "cursor", True)
    assert ("a" in it, "c" in it) == (True, False)


def test_a_gateway_that_gives_no_cursor_is_asked_for_what_follows_the_last_item() -> None:
    it = page(video("b"), video("a"))
    assert (it.last_id, it.has_more) == ("a", None)
    assert page().last_id is None


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "busy", "tasks": [video("a")]}},
        {"data": {"a": {"b": {"data": [video("a")]}}}},
        {"data": {"message": "no"}},
        {"result": "no", "data": "no"},
        {"metadata": {"list": [video("a")]}},
    ],
)
def test_what_stands_elsewhere_is_no_list(body: object) -> None:
    assert isinstance(read(body), PollError)


@pytest.mark.parametrize("last_id", [None, 7, "", "x" * 600, ["a"]])
@pytest.mark.parametrize("more", [None, 1, "true"])
def test_a_strange_cursor_or_has_more_counts_as_not_given(last_id: object, more: object) -> None:
    it = page(video("a"), last_id=last_id, has_more=more)
    assert (it.last_id, it.has_more) == ("a", None)


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list", "data": [video("a")]},
        {"data": {"items": [video("a")], "total": 1}},
        {"code": "success", "data": {"data": [video("a")]}},
        {"items": [video("a")]},
        {"videos": [video("a")]},
        {"tasks": [video("a")], "total": 1},
        {"code": 0, "data": {"list": [video("a")], "total": 1}},
        {"code": 0, "message": "ok", "data": {"total": 1, "records": [video("a")]}},
        {"success": True, "result": {"jobs": [video("a")]}},
        {"request_id": "r", "output": {"data": [video("a")]}},
        {"success": True, "data": None, "result": [video("a")]},
        {"data": {}, "response": {"page": 1, "generations": [video("a")]}},
        [video("a")],
    ],
    ids=lambda body: json.dumps(body)[:24],
)
def test_a_list_is_found_wherever_it_is(body: object) -> None:
    it = read(body)
    assert it.ids == ["a"]
    assert it.answer("a").snapshot.status is Status.IN_PROGRESS


FULL = video(
    "a", "failed", model="sora-2", progress=45, created_at=1, seconds=8, size="1x1",
    error={"code": "x", "message": "y"}, url="https://x/y",
)  # fmt: skip


@pytest.mark.parametrize(
    "item",
    [
        FULL,
        {"task_id": "a", "status": "IN_PROGRESS", "progress": "50%"},
        {"id": "gen_1", "video_id": "a", "status": "SUCCESS"},
        {"id": "row_7", "data": {"id": "a", "status": "running"}},
    ],
)
def test_an_item_reads_as_the_single_answer_does(item: dict[str, object]) -> None:
    alone = classify(
        200, JSON, json.dumps(item).encode(), video_id="a", dialect=Dialect(), wall=0.0
    )
    assert isinstance(alone, Seen)
    assert page(video("b"), item).answer("a") == alone


@pytest.mark.parametrize(
    "items",
    [
        [],
        [video("b")],
        [video("a"), video("a")],
        [video("a", "completed"), {"id": "x", "video_id": "a", "status": "queued"}],
        [{"id": "a", "object": "video"}],
        [{"id": "a", "status": None}],
        ["a", ["a"], None, 7, {"status": "queued"}],
    ],
)
def test_an_item_that_is_not_clearly_about_the_video_is_no_answer(items: list[object]) -> None:
    assert page(*items).answer("a") is None


def test_a_repeated_item_is_listed_once_and_the_others_are_answered() -> None:
    it = page(video("a"), video("a"), video("b"))
    assert it.ids == ["a", "b"]
    assert it.answer("b") is not None


def test_the_gateways_own_words_count_on_pages_too() -> None:
    dialect = Dialect({"rendering_done": Status.COMPLETED})
    answer = page(video("a", "Rendering-Done"), dialect=dialect).answer("a")
    assert answer is not None
    assert answer.snapshot.ended


def test_secrets_that_a_list_echoes_are_masked() -> None:
    echoes = SecretEchoMask()
    echoes.add("sk-0123456789abcdef")
    items = [video("a", note="key sk-0123456789abcdef"), video("b", note="key \\u0073k-…")]
    answer = page(*items, dialect=Dialect(echoes=echoes)).answer("a")
    assert answer is not None
    assert "0123" not in str(answer)


def test_extra_fields_of_an_item_are_bounded() -> None:
    answer = page(video("a", small=1, large="x" * 900_000)).answer("a")
    assert answer is not None
    assert answer.snapshot.extra == {"small": 1}
    assert MAX_EXTRA < 900_000


def test_what_the_gateway_asks_for_is_part_of_every_answer() -> None:
    it = read({"data": [video("a")]}, retry_after="30")
    assert (it.wait, it.answer("a").wait) == (30, 30)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 400])
def test_an_item_that_could_not_be_encoded_again_is_no_answer_and_harms_no_other(
    number: str,
) -> None:
    body = b'{"data":[{"id":"a","status":"queued","x":%s},{"id":"b","status":"queued"}]}'
    it = read(body % number.encode())
    assert it.answer("a") is None
    assert it.answer("b") is not None


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason"),
    [
        (404, {"error": {"message": "Not Found"}}, {}, "http_404"),
        (404, NOT_FOUND, {}, "http_404"),
        (405, b"", {}, "http_405"),
        (429, {"error": {"message": "slow down"}}, {"retry_after": "7"}, "http_429"),
        (500, {"object": "list", "data": [video("a")]}, {}, "http_500"),
        (501, b"<html>", {}, "http_501"),
        (200, b"<!doctype html>", {"content_type": "text/html"}, "html"),
        (200, b"", {}, "empty"),
        (200, b'{"data": [', {}, "broken_json"),
        (200, {}, {}, "no_list"),
        (200, None, {}, "no_list"),
        (200, {"data": {"data": {"data": []}}}, {}, "no_list"),
        (200, video("a"), {}, "no_list"),
        (200, {"error": {"message": "lists are off"}}, {}, "error_object"),
        (200, b"[" * 100_000, {}, "broken_json"),
        (200, b"[" + b"{}," * 30_000 + b"{}]", {}, "broken_json"),
    ],
)
def test_what_is_no_list_is_the_error_that_it_would_be_for_one_video(
    status: int, body: object, headers: dict[str, str], reason: str
) -> None:
    answer = read(body, status, PLAIN, **headers)
    assert isinstance(answer, PollError)
    assert (answer.reason, answer.status) == (reason, status)
    assert answer.wait == (7 if status == 429 else None)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [b"", {"error": {"message": "no"}}, {"data": [video("a")]}])
def test_a_refused_key_is_recognised(status: int, body: object) -> None:
    assert isinstance(read(body, status), Unauthorized)


@pytest.mark.parametrize(
    ("after", "query"),
    [
        (None, "limit=100"),
        ("video_1", "limit=100&after=video_1"),
        ("a/b &c=d?é\ud800", "limit=100&after=a%2Fb+%26c%3Dd%3F%C3%A9%3F"),
    ],
)
def test_cursors_are_quoted(after: str | None, query: str) -> None:
    assert list_url("http://gateway/v1", 100, after) == f"http://gateway/v1/videos?{query}"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("a"),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.sampled_from(["id", "status", "data", "task_id"]), inner)
    ),
)


@given(status=st.integers(100, 599), body=st.binary() | VALUES)
def test_nothing_a_gateway_sends_raises(status: int, body: object) -> None:
    it = read(body if isinstance(body, bytes) else json.dumps(body).encode(), status)
    if isinstance(it, Page):
        for video_id in [*it.ids, "a"]:
            answer = it.answer(video_id)
            if answer is not None:
                data = answer.snapshot.as_data() | dict(answer.snapshot.extra)
                json.dumps(data, allow_nan=False).encode()
    else:
        assert isinstance(it, Unauthorized | PollError)


_ITEM = st.fixed_dictionaries(
    {"id": st.just("a"), "status": st.sampled_from(["queued", "in_progress", "odd", "completed"])},
    optional={
        "object": st.just("video"),
        "progress": st.sampled_from([None, 0, 1, True, 50, 50.0, "50%", 200]),
        "model": st.sampled_from([None, "", "sora-2", "other", 7, ["sora-2"]]),
        "seconds": st.sampled_from([None, "8", 8, 8.0, "4"]),
        "size": st.sampled_from([None, "1280x720", "720x1280"]),
        "created_at": st.sampled_from([None, 0, 1, 1.0, "1", 1_760_000_000]),
        "completed_at": st.sampled_from([None, 0, 1_760_000_000]),
        "expires_at": st.sampled_from([None, 1_760_000_000]),
        "remixed_from_video_id": st.sampled_from([None, "b"]),
        "error": st.sampled_from([None, {}, {"message": "no", "code": "x"}]),
        "data": st.sampled_from([None, {"id": "a", "status": "completed"}]),
        "metadata": st.sampled_from([None, {"url": "u"}]),
    },
)


@given(first=_ITEM, second=_ITEM)
def test_what_is_known_makes_no_difference_to_what_a_page_says(
    first: dict[str, object], second: dict[str, object]
) -> None:
    before = page(first).answer("a")
    known = None if before is None else before.snapshot
    quick, slow = page(second).answer("a", known), page(second).answer("a")
    assert (quick is None) == (slow is None)
    if quick is not None and slow is not None:
        assert quick.snapshot.after(known) == slow.snapshot.after(known)


def test_a_page_that_says_what_is_known_answers_with_that_very_snapshot() -> None:
    item = {"id": "a", "object": "video", "status": "in_progress", "progress": 3, "size": "1x1"}
    first = page(item).answer("a")
    assert first is not None
    again = page(item).answer("a", first.snapshot)
    assert again is not None
    assert again.snapshot is first.snapshot


def encoded(inner: str, model: str) -> str:
    text = f"litellm:custom_llm_provider:openai;model_id:{model};video_id:{inner}"
    return "video_" + base64.b64encode(text.encode()).decode()


def test_an_id_that_litellm_encodes_anew_is_given_as_it_was_asked_for() -> None:
    asked, listed, other = encoded("v1", "alias"), encoded("v1", "model"), encoded("v2", "model")
    dialect = Dialect()
    dialect.asked.add(asked)
    it = page(video(other), video(listed, "completed"), dialect=dialect)
    assert it.ids == [other, asked]
    assert it.last_id == listed
    assert asked in it
    assert it.says_ended(asked)
    answer = it.answer(asked)
    assert answer is not None
    assert (answer.snapshot.id, answer.snapshot.status) == (asked, Status.COMPLETED)
    assert it.answer(encoded("v3", "model")) is None


@pytest.mark.parametrize(
    "item",
    [
        video("a", "completed"),
        {"task_id": "a", "task_status": "SUCCEED"},
        {"id": "a", "state": "failed"},
        {"id": "row_7", "data": {"id": "a", "status": "completed"}},
        {"id": "a", "status": "success", "data": {"url": "u"}},
    ],
)
def test_an_item_that_has_ended_says_so_wherever_its_status_stands(
    item: dict[str, object],
) -> None:
    assert page(item, video("b")).says_ended("a")
    assert not page(item, video("b")).says_ended("b")


@pytest.mark.parametrize("job", [{"status": "processing"}, {"status": 0, "progress": 40}])
def test_an_item_in_an_envelope_that_went_well_has_not_ended(job: dict[str, object]) -> None:
    assert not page({"task_id": "a", "status": "success", "data": job}).says_ended("a")
