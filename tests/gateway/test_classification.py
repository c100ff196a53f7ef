"""What each kind of answer is worth, whatever the gateway."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.gateway import Dialect, classify
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized

VIDEO = "video_1"
GOOD = json.dumps({"id": VIDEO, "status": "in_progress"}).encode()


def ask(status: int, body: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return classify(
        status,
        named,
        body,
        video_id=VIDEO,
        dialect=Dialect(),
        wall=784_111_777,
    )


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (408, b"", "http_408"),
        (429, b'{"error": {"message": "slow down"}}', "http_429"),
        (429, b'{"error": {"code": "video_not_found"}}', "http_429"),
        (500, b"oops", "http_500"),
        (502, b"<html>bad gateway</html>", "http_502"),
        (503, b"", "http_503"),
        (504, b"{}", "http_504"),
        (404, b"<html>nginx</html>", "http_404"),
        (404, b"", "http_404"),
        (400, b'{"error": "bad request"}', "http_400"),
        (200, b"<!doctype html><p>login</p>", "html"),
        (200, b'{"id": "video_1", "status":', "broken_json"),
        (200, b"\xff\xfe", "broken_json"),
        (200, b"", "empty"),
        (202, b"", "empty"),
        (200, b"null", "no_video"),
        (200, b"[]", "no_video"),
        (200, b'{"status": "rendering"}', "no_video"),
        (200, b'{"status": "error", "message": "busy"}', "no_video"),
        (200, b'{"error": {"message": "try later"}}', "error_object"),
        (200, b'{"id": "video_2", "status": "completed"}', "other_id"),
        (302, b"", "http_302"),
        (401, b"<html>who are you?</html>", "http_401"),
        (403, b"<!doctype html><p>checking your browser</p>", "http_403"),
    ],
)
def test_what_may_pass_is_trouble(status: int, body: bytes, reason: str) -> None:
    answer = ask(status, body)
    assert isinstance(answer, PollError)
    assert answer.reason == reason


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [b"", b"{}", b"no", b'{"error": {"message": "bad key"}}'])
def test_401_and_403_are_about_the_key(status: int, body: bytes) -> None:
    answer = ask(status, body, retry_after="7")
    assert isinstance(answer, Unauthorized)
    assert (answer.status, answer.wait) == (status, 7)


def test_a_redirect_can_ask_to_be_left_alone() -> None:
    answer = ask(302, b"", location="https://elsewhere.example/", retry_after="7")
    assert isinstance(answer, PollError)
    assert answer.wait == 7


def test_the_body_is_read_before_the_status_is_believed() -> None:
    failed = b'{"id": "video_1", "object": "video", "status": "failed"}'
    for status in (400, 401, 403, 404, 422, 500, 503):
        answer = ask(status, failed)
        assert isinstance(answer, Seen)
        assert answer.snapshot.ended


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "30"}, 30),
        ({"retry_after": "Sun, 06 Nov 1994 08:49:47 GMT"}, 10),
        ({"retry_after": "soon"}, None),
        ({"openai_poll_after_ms": "5000"}, 5),
        ({"openai_poll_after_ms": "5000", "retry_after": "7"}, 7),
        ({}, None),
    ],
)
def test_a_gateway_can_ask_to_be_left_alone(headers: dict[str, str], wait: float | None) -> None:
    assert ask(429, b"", **headers).wait == wait
    assert ask(200, GOOD, **headers).wait == wait


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"id": "video_1", "status": "queued", "x": ' + b"9" * 5000 + b"}",
        b'{"id": "video_1", "status": "queued", "x": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"id": "video_1", "status": "queued", "x": NaN, "progress": Infinity}',
        b'{"id": "video_1", "status": "queued", "progress": 1e999}',
        b'{"id": "video_1", "status": "queued", "error": "\\ud800"}',
        b'{"id": "video_1", "status": "queued", "created_at": 1e300}',
        b'{"id": "video_1", "status": "queued", "created_at": -1, "seconds": [], "size": {}}',
        b'{"id": "video_1", "status": "queued", "progress": true, "model": false}',
        b'{"id": "video_1", "status": {"a": 1}}',
    ],
)
def test_hostile_json_becomes_an_answer_that_can_be_written_again(body: bytes) -> None:
    answer = ask(200, body)
    assert isinstance(answer, Seen | PollError)
    if isinstance(answer, Seen):
        data = {**answer.snapshot.as_data(), **answer.snapshot.extra}
        json.dumps(data, allow_nan=False, ensure_ascii=False).encode()


def test_extra_fields_are_bounded() -> None:
    body = {"id": VIDEO, "status": "queued", "small": 1, "large": "x" * 900_000}
    answer = ask(200, json.dumps(body).encode())
    assert isinstance(answer, Seen)
    assert answer.snapshot.extra == {"small": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
protocol_names = st.sampled_from(
    "id task_id object model status progress created_at completed_at expires_at seconds size "
    "error metadata data code message detail".split()
)
objects = st.dictionaries(
    protocol_names,
    json_values | st.sampled_from([VIDEO, "failed", "expired", "not found", "task not found"]),
)


@given(
    status=st.integers(100, 599),
    body=st.binary() | objects.map(lambda value: json.dumps(value).encode()),
    retry_after=st.text(),
    poll_after=st.text(),
)
def test_nothing_a_gateway_sends_raises(
    status: int, body: bytes, retry_after: str, poll_after: str
) -> None:
    answer = ask(status, body, retry_after=retry_after, openai_poll_after_ms=poll_after)
    assert isinstance(answer, Seen | NotFound | Unauthorized | PollError)
    if isinstance(answer, Seen):
        data = answer.snapshot.as_data()
        assert data["id"] == VIDEO
        assert data["progress"] is None or 0 <= data["progress"] <= 100
        json.dumps(data | dict(answer.snapshot.extra), allow_nan=False).encode()


@pytest.mark.parametrize(
    "piece",
    ["video-", "video", "video ", "video 1-", "-video", " video_", "video:", " video=", "1", " ",
     "not found: ", "no such video ", "a:/", "/", "job", "任务 ", "_", "<id>", "video_1 ", "id: ",
     "'", "(", "the ", "video with id ", "not found for id ", " or ", ". ", "任务id", '{"error":',
     "動画の", "動画id ", "작업 ", "비디오 생성 ", "found request id: ", "either expired or "],
)  # fmt: skip
def test_no_message_takes_long_to_search(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    error = dict.fromkeys(("code", "type", "message", "detail", "msg"), f"video{text}")
    began = time.thread_time()
    ask(404, json.dumps({"error": error, "errors": [text] * 8}).encode())
    assert time.thread_time() - began < 2  # a search that goes back takes minutes
