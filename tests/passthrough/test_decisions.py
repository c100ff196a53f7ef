"""What is decided without I/O: targets, headers, keys, and what is a new job."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.passthrough.credentials import Caller, query_for
from notifier.passthrough.headers import for_caller, for_gateway
from notifier.passthrough.job_spotting import new_job
from notifier.passthrough.targets import RefusedError, read_target, video_id_of

JSON = {"content-type": "application/json"}

HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"Host", b"notifier-metadata", b"Notifier_X", b"connection", b"x-a", b"accept", b"te"]
        ),
        st.sampled_from([b"x-a", b"close", b"1", b"accept, x-a", b"br, gzip"]),
    ),
    max_size=8,
)


@pytest.mark.parametrize(
    ("answer", "job"),
    [
        ({"id": "v", "object": "video", "status": "queued"}, "v"),
        ({"id": "v", "object": "video"}, "v"),
        ({"data": {"id": "v", "object": "video"}}, "v"),
        ({"id": "v", "status": "pending", "polling_url": "/v1/videos/v"}, "v"),
        ({"task_id": "t", "status": "queued", "progress": 0}, "t"),
        ({"id": "r", "object": "response", "status": "in_progress", "size": 1}, None),
        ({"id": "b", "object": "batch", "status": "in_progress"}, None),
        ({"id": "d", "object": "video.deleted", "deleted": True}, None),
        ({"id": "c", "name": "a character", "created_at": 1}, None),
        ({"object": "list", "data": {"id": "v", "object": "video"}}, None),
        ({"id": "v", "status": "strange", "progress": 0}, None),
        ({"id": "", "object": "video"}, None),
        ({"id": 7, "object": "video"}, None),
        ([{"id": "v", "object": "video"}], None),
        ("video", None),
    ],
)
def test_a_new_job_is_known_by_what_it_is(answer: object, job: str | None) -> None:
    body = json.dumps(answer).encode()
    assert new_job(200, JSON, body, {}) == job
    assert new_job(400, JSON, body, {}) is None


@given(st.binary(max_size=200))
def test_no_answer_of_a_gateway_raises(body: bytes) -> None:
    assert new_job(200, {**JSON, "content-encoding": "gzip"}, body, {}) is None or body


@given(st.lists(st.sampled_from([".", "..", "%2e", "%2E%2e", "a", "%2f", "\\", ";", "..;a", ""])))
def test_no_target_that_is_passed_on_has_dot_segments(segments: list[str]) -> None:
    try:
        target = read_target("GET", f"/main/v1/{'/'.join(segments)}".encode())
    except RefusedError:
        return
    decoded = target.path.replace("%2e", ".").replace("%2E", ".").replace("%2f", "/")
    assert not {".", ".."} & set(decoded.split("/"))


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60))
def test_any_target_is_refused_or_below_the_base(text: str) -> None:
    try:
        target = read_target("GET", text.encode())
    except RefusedError:
        return
    assert target.path.startswith("/")
    assert text.startswith(f"/{target.gateway}/v1/")


@given(HEADERS)
def test_what_is_of_one_connection_or_ours_never_goes_on(
    received: list[tuple[bytes, bytes]],
) -> None:
    up = for_gateway(received, is_read=True, replaced={}, removed=frozenset())
    named = {
        part.strip()
        for name, value in received
        if name == b"connection"
        for part in value.split(b",")
    }
    for passed in (up, for_caller(received)):
        names = {name.lower() for name, _ in passed}
        assert not names & (named | {b"connection", b"te", b"notifier-metadata", b"notifier_x"})
    assert b"Host" not in dict(up)


def test_codings_that_cannot_be_read_here_are_not_offered_where_the_answer_is_read() -> None:
    received = [(b"Accept-Encoding", b"gzip, deflate, br, zstd")]
    made = for_gateway(received, is_read=True, replaced={}, removed=frozenset())
    assert made == [(b"Accept-Encoding", b"gzip, deflate")]
    assert for_gateway(received, is_read=False, replaced={}, removed=frozenset()) == received


def test_credentials_in_the_base_query_are_for_the_token_alone() -> None:
    base = "api-version=1&code=secret"
    assert query_for(Caller.TOKEN, base, "limit=2") == "api-version=1&code=secret&limit=2"
    assert query_for(Caller.KEY, base, "limit=2") == "api-version=1&limit=2"
    assert query_for(Caller.KEY, base, "api-version=9") == "api-version=9"


@pytest.mark.parametrize(
    ("path", "video_id"),
    [
        ("/videos/v", "v"),
        ("/videos/a%2Fb", "a/b"),
        ("/videos", None),
        ("/videos/", None),
        ("/videos/v/content", None),
        ("/images/v", None),
        ("/videos/%ff", None),
    ],
)
def test_the_path_of_a_status_request_names_its_video(path: str, video_id: str | None) -> None:
    assert video_id_of(path) == video_id
