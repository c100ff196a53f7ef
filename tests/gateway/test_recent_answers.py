"""An answer that is recognised means what it would mean if it were parsed."""

import json
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.gateway import GatewayClient, GatewayRules, SecretEchoMask
from notifier.gateway.recent_answers import MOST, RecentAnswers
from notifier.gateway.response_classifier import Dialect, classify
from notifier.http_client import HttpRequest, HttpResponse, RequestTemplate
from notifier.model.answer import Answer, Seen
from notifier.model.status import Status
from notifier.model.video import Snapshot

ID = "video_1"


class Silent:
    """Is never asked: these tests hand the answers in."""

    def start(self, requests: RequestTemplate, segment: str, done: object) -> bool:
        return False  # each request takes a task

    async def send(self, _: HttpRequest) -> HttpResponse:
        raise AssertionError


def new_client(echoes: SecretEchoMask | None = None) -> GatewayClient:
    masks = SecretEchoMask() if echoes is None else echoes
    rules = GatewayRules("http://h/v1", dict, 30.0, {}, rewrites_ids=False, echoes=masks)
    return GatewayClient(rules, Silent(), lambda: 0.0)


def video(**fields: object) -> bytes:
    job = {"id": ID, "object": "video", "status": "in_progress", "model": "sora-2", "progress": 10}
    return json.dumps({**job, **fields}).encode()


def read(
    client: GatewayClient, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    return client.read(ID, HttpResponse(status, headers or {}, body))


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the bodies that were parsed."""
    bodies: list[bytes] = []

    def counting(
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        video_id: str,
        dialect: Dialect,
        wall: float,
    ) -> Answer:
        bodies.append(body)
        return classify(status, headers, body, video_id=video_id, dialect=dialect, wall=wall)

    monkeypatch.setattr("notifier.gateway.client.classify", counting)
    return bodies


def test_an_answer_that_is_repeated_is_parsed_once(parsed: list[bytes]) -> None:
    client = new_client()
    first, second = read(client, video()), read(client, video())
    assert isinstance(first, Seen)
    assert isinstance(second, Seen)
    assert second.snapshot is first.snapshot
    assert parsed == [video()]


def test_an_answer_with_another_progress_alone_is_not_parsed(parsed: list[bytes]) -> None:
    client = new_client()
    read(client, video())
    for progress in (11, 100, 0, 11):
        answer = read(client, video(progress=progress))
        assert isinstance(answer, Seen)
        assert (answer.snapshot.progress, answer.snapshot.model) == (progress, "sora-2")
    assert parsed == [video()]


@pytest.mark.parametrize(
    "other",
    [
        video(status="completed"),
        video(progress=101),
        video(progress=-1),
        video(progress=11.5),
        video(progress="11"),
        video(progress=None),
        video(model="sora-3"),
        video(progress=11, model="sora-3"),
        video().replace(b"10", b"011"),
        video().replace(b"10", b"11,"),
        video().replace(b"10", b"10, 11"),
        video()[:-1],
        b"",
    ],
)
def test_anything_else_that_differs_is_parsed(other: bytes, parsed: list[bytes]) -> None:
    client = new_client()
    read(client, video())
    assert read(client, other) == read(new_client(), other)
    assert parsed[1] == other


@pytest.mark.parametrize(
    "body",
    [
        video(details={"progress": 10}),
        video(note='{"progress": 10}'),
        b'{"id": "video_1", "status": "queued", "progress": 10, "progress": 20}',
        b'{"id": "video_1", "status": "queued", "a\\"progress": 10}',
        b'{"data": {"id": "video_1", "status": "queued"}, "progress": 10}',
    ],
)
def test_where_the_progress_is_not_clear_only_the_same_bytes_are_recognised(
    body: bytes, parsed: list[bytes]
) -> None:
    client = new_client()
    read(client, body)
    other = body.replace(b"10", b"11")
    assert read(client, body) == read(new_client(), body)
    assert read(client, other) == read(new_client(), other)
    assert parsed[-2] == other


def test_an_end_is_parsed_whenever_it_is_said(parsed: list[bytes]) -> None:
    client, body = new_client(), video(status="completed")
    assert read(client, body) == read(client, body)
    assert parsed == [body, body]


def test_the_same_bytes_with_another_status_or_a_wish_to_wait_are_parsed() -> None:
    client = new_client()
    read(client, video())
    assert not isinstance(read(client, video(), status=500), Seen)
    read(client, video())
    waiting = read(client, video(), headers={"retry-after": "7"})
    assert waiting.wait == 7
    assert read(client, video()).wait is None


def test_a_secret_that_is_new_is_masked_in_an_answer_that_was_known() -> None:
    echoes = SecretEchoMask()
    client, body = new_client(echoes), video(note="sk-0123456789")
    before = read(client, body)
    assert isinstance(before, Seen)
    assert before.snapshot.extra == {"note": "sk-0123456789"}
    echoes.add("sk-0123456789")
    after = read(client, body)
    assert isinstance(after, Seen)
    assert "sk-0123456789" not in str(after.snapshot.extra)


def test_no_more_videos_are_remembered_than_fit() -> None:
    recent = RecentAnswers()
    seen = Seen(Snapshot(ID, Status.QUEUED, "queued"))
    for number in range(MOST + 1):
        recent.remember(f"video_{number}", b"{}", seen)
    assert recent.find("video_0", b"{}") is None
    assert recent.find("video_1", b"{}") is seen


WORDS = st.sampled_from(["queued", "in_progress", "completed", "?"])
JOBS = st.fixed_dictionaries(
    {"id": st.just(ID), "status": WORDS},
    optional={
        "progress": st.none() | st.integers(-1, 101) | st.floats(0, 100) | st.text(),
        "model": st.text(max_size=3) | st.sampled_from(['"progress": 5', "progress"]),
        "more": st.fixed_dictionaries({"progress": st.integers(0, 100)}),
    },
)


def test_long_answers_take_no_memory() -> None:
    client = new_client()
    padding = " " * 1_000_000
    tracemalloc.start()
    try:
        for number in range(30):
            body = json.dumps({"id": f"v{number}", "status": "queued"}) + padding
            answer = client.read(f"v{number}", HttpResponse(200, {}, body.encode()))
            assert isinstance(answer, Seen)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 5_000_000


@given(st.lists(JOBS, min_size=2, max_size=6))
def test_whatever_came_before_an_answer_means_what_it_means_alone(jobs: list[Any]) -> None:
    client = new_client()
    for job in jobs:
        body = json.dumps(job).encode()
        assert read(client, body) == read(new_client(), body)
