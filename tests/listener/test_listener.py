import json
from collections.abc import Mapping

import httpx
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from notifier.http_server import Request, Response, Wire, serve
from notifier.listener import Listener, Received
from notifier.signing import signed_headers
from tests.http_server.client import ask

NOW = 1_760_627_863.0
KEY, OLD_KEY, OTHER_KEY = b"k" * 32, b"o" * 32, b"x" * 32
EVENT = {"id": "evt_1", "type": "video.completed", "data": {"id": "video_1"}}
BODY = json.dumps(EVENT).encode()


def listener(*keys: bytes, respond: int = 204, fail_first: int = 0, slow: float = 0) -> Listener:
    return Listener(
        keys or (KEY,), respond=respond, fail_first=fail_first, slow=slow, now=lambda: NOW
    )


def signed(
    message_id: str = "evt_1", key: bytes = KEY, at: float = NOW, body: bytes = BODY
) -> dict[str, str]:
    return signed_headers([key], message_id, int(at), body)


async def send(
    subject: Listener, headers: Mapping[str, str], body: bytes = BODY, method: str = "POST"
) -> Response | None:
    """Hand a request to the listener without a network."""
    request = Request(method, "/", (), {}, headers, body)
    ours, theirs = trio.socket.socketpair()
    async with trio.SocketStream(ours) as stream, trio.SocketStream(theirs):
        return await subject.handle(request, Wire(stream))


async def status(subject: Listener, headers: Mapping[str, str], body: bytes = BODY) -> int:
    response = await send(subject, headers, body)
    assert response is not None
    return response.status


async def test_a_signed_event_is_verified_and_answered_with_204() -> None:
    called_with: list[Received] = []
    subject = Listener((KEY,), on_event=called_with.append, now=lambda: NOW)
    assert await status(subject, signed()) == 204
    assert called_with == subject.received
    (got,) = called_with
    assert (got.verified, got.reason, got.attempt, got.duplicate) == (True, "", 1, False)
    assert (got.id, got.type, got.video_id, got.at) == ("evt_1", "video.completed", "video_1", NOW)
    assert (got.body, got.data, got.status) == (BODY, {"id": "video_1"}, 204)


async def test_while_a_secret_is_rotated_either_key_verifies() -> None:
    subject = listener(OLD_KEY, KEY)
    assert await status(subject, signed(key=OLD_KEY)) == 204
    assert await status(subject, signed("evt_2")) == 204


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        (signed(key=OTHER_KEY), BODY, "no signature matches"),
        (signed(), BODY + b" ", "no signature matches"),
        (signed(at=NOW - 301), BODY, "webhook-timestamp is more than five minutes away from now"),
        ({}, BODY, "no webhook-id header"),
    ],
    ids=["other key", "changed body", "too old", "unsigned"],
)
async def test_an_event_that_does_not_verify_is_401_with_its_reason(
    headers: dict[str, str], body: bytes, reason: str
) -> None:
    subject = listener()
    assert await status(subject, headers, body) == 401
    assert (subject.received[0].verified, subject.received[0].reason) == (False, reason)


async def test_without_keys_events_are_taken_unverified() -> None:
    subject = Listener((), now=lambda: NOW)
    assert await status(subject, {"webhook-id": "evt_1"}) == 204
    assert subject.received[0].verified is None


async def test_each_event_fails_as_often_as_was_asked_for_and_then_succeeds() -> None:
    subject = listener(fail_first=2)
    first = [await status(subject, signed("evt_1")) for _ in range(3)]
    second = [await status(subject, signed("evt_2")) for _ in range(3)]
    assert first == second == [500, 500, 204]
    assert [got.attempt for got in subject.received] == [1, 2, 3, 1, 2, 3]
    assert not any(got.duplicate for got in subject.received)


async def test_an_event_that_was_already_accepted_is_a_duplicate() -> None:
    subject = listener()
    for _ in range(2):
        await status(subject, signed())
    assert [got.duplicate for got in subject.received] == [False, True]


async def test_posts_without_an_id_are_not_counted_as_one_event() -> None:
    subject = Listener(())
    for _ in range(2):
        await status(subject, {})
    assert [(got.attempt, got.duplicate) for got in subject.received] == [(1, False)] * 2


async def test_the_answer_is_what_was_asked_for() -> None:
    assert await status(listener(respond=503), signed()) == 503


async def test_a_slow_listener_answers_when_its_time_has_passed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    subject = listener(slow=10)
    assert await status(subject, signed()) == 204
    assert trio.current_time() == pytest.approx(10)
    assert autojump_clock is not None


async def test_only_posts_are_events() -> None:
    subject = listener()
    response = await send(subject, {}, b"", "GET")
    assert response is not None
    assert (response.status, response.headers["allow"]) == (405, "POST")
    assert subject.received == []


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 100_000, b'{"data": 3}'])
async def test_a_body_that_is_no_event_is_still_shown(body: bytes) -> None:
    subject = listener()
    assert await status(subject, signed(body=body), body) == 204
    assert (subject.received[0].type, subject.received[0].video_id) == ("", "")


@given(st.dictionaries(st.sampled_from(list(signed())), st.text()), st.binary())
def test_nothing_unsigned_is_ever_accepted(headers: dict[str, str], body: bytes) -> None:
    async def main() -> None:
        assert await status(listener(), headers, body) == 401

    trio.run(main)


async def test_it_works_over_real_http(nursery: trio.Nursery) -> None:
    subject = listener()
    port = await nursery.start(serve, subject.handle)
    answer: httpx.Response = await ask(port, "POST", "/hook", headers=signed(), content=BODY)
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(subject.received[0].headers) == {*signed(), "user-agent"}
