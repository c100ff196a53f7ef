"""Receivers that misbehave, over real sockets: each costs its own deliveries only."""

import socket
from contextlib import ExitStack
from http import HTTPStatus
from itertools import chain, repeat

import pytest
import trio
from structlog.testing import capture_logs
from structlog.typing import EventDict

from notifier.http_server import Request, Response, Wire
from notifier.signing import decode_secret, verify
from tests.faults import behaviours
from tests.faults.behaviours import Behaviour, MisbehavingReceiver
from tests.faults.delivery_harness import delivery_harness
from tests.process.harness import eventually

DAY = 24 * 3600.0
IN_TIME = 20_000
"""Milliseconds that a timeout of a second never takes, not even on a busy machine."""

BEHAVIOURS: list[tuple[Behaviour, str]] = [
    (behaviours.like_a_black_hole, "timeout"),
    (behaviours.dripping, "timeout"),
    (behaviours.dripping_from_the_first_byte, "timeout"),
    (behaviours.with_a_provisional_answer_now_and_then, "timeout"),
    (behaviours.flooding_with_provisional_answers, "too_large"),
    (behaviours.with_headers_without_end, "too_large"),
    (behaviours.resetting_after_processing, "reset"),
    (behaviours.hanging_up_in_the_middle, "reset"),
    (behaviours.talking_nonsense, "protocol"),
    (behaviours.answering(400), "http_400"),
    (behaviours.answering(503), "http_503"),
]


def attempts(logs: list[EventDict], endpoint: str) -> list[EventDict]:
    return [line for line in logs if line["event"] == "attempt" and line["endpoint"] == endpoint]


@pytest.mark.parametrize(("behaviour", "word"), BEHAVIOURS)
async def test_whatever_a_receiver_does_ends_in_time_and_the_event_is_sent_again_the_same(
    behaviour: Behaviour, word: str
) -> None:
    # only what is to run into a timeout has a short one
    timeouts = chain([1.0, 1.0] if word == "timeout" else [], repeat(60.0))
    with capture_logs() as logs:
        async with delivery_harness() as p:
            misbehaving = await p.receiver(
                "misbehaving",
                MisbehavingReceiver(behaviour=behaviour, well_behaved_from=3),
                timeout=lambda: next(timeouts),
            )
            app = await p.receiver("app", MisbehavingReceiver())
            await p.send("misbehaving", "app")
            assert (await p.settled()).delivered == 2

    made = attempts(logs, "misbehaving")
    assert [line["outcome"] for line in made] == [word, word, "delivered"]
    assert all(line["duration_ms"] < IN_TIME for line in made)
    assert {(got.id, got.body) for got in misbehaving.got} == {("evt_0", b"body 0")}
    for got in misbehaving.got:
        verify([decode_secret(p.secret)], got.headers, got.body, now=p.clock.wall())
    assert [line["outcome"] for line in attempts(logs, "app")] == ["delivered"]
    assert len(app.got) == 1


@pytest.mark.parametrize("behaviour", [behaviours.without_end, behaviours.in_chunks_without_end])
async def test_a_2xx_that_goes_on_and_on_was_received(behaviour: Behaviour) -> None:
    with capture_logs() as logs:
        async with delivery_harness() as p:
            receiver = MisbehavingReceiver(behaviour=behaviour, well_behaved_from=3)
            talkative = await p.receiver("talkative", receiver, timeout=lambda: 60.0)
            await p.send("talkative")
            assert (await p.settled()).delivered == 1
    assert [line["outcome"] for line in attempts(logs, "talkative")] == ["delivered"]
    assert len(talkative.got) == 1


async def test_a_receiver_that_does_not_even_accept_is_given_up_in_time() -> None:
    with capture_logs() as logs, ExitStack() as sockets:
        full = sockets.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(8):  # the system answers no connection after these
            waiting = sockets.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(full.getsockname())
        async with delivery_harness() as p:
            port = full.getsockname()[1]
            await p.endpoint("full", f"http://127.0.0.1:{port}/", timeout=0.4, schedule=(0.1,))
            await p.send("full")
            assert (await p.settled()).dead == 1

    made = attempts(logs, "full")
    assert [line["outcome"] for line in made] == ["timeout", "timeout"]
    assert all(line["duration_ms"] < IN_TIME for line in made)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_an_internal_address_is_a_failure_and_never_followed(
    status: int,
) -> None:
    with capture_logs() as logs:
        async with delivery_harness() as p:
            internal = await p.receiver("internal", MisbehavingReceiver())
            moving = behaviours.answering(status, location=internal.url)
            outside = MisbehavingReceiver(behaviour=moving, well_behaved_from=3)
            await p.receiver("outside", outside)
            await p.send("outside")
            assert (await p.settled()).delivered == 1

    words = [line["outcome"] for line in attempts(logs, "outside")]
    assert words == [f"http_{status}", f"http_{status}", "delivered"]
    assert internal.got == []


@pytest.mark.parametrize(
    ("asked", "believed"),
    [
        ("1e300", None),
        ("-1", None),
        ("NaN", None),
        ("soon", None),
        ("1_000", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
        ("Fri, 99 Foo 9999 99:99:99 GMT", None),
        ("9" * 5000, DAY),
        ("3600", 3600.0),
        ("0", None),
    ],
)
async def test_however_absurd_a_retry_after_is_the_event_waits_a_day_at_most_and_others_do_not(
    asked: str, believed: float | None
) -> None:
    busy = behaviours.answering(HTTPStatus.TOO_MANY_REQUESTS, retry_after=asked)
    with capture_logs() as logs:
        async with delivery_harness() as p:
            app = await p.receiver(
                "app", MisbehavingReceiver(behaviour=busy, well_behaved_from=2), schedule=(600,)
            )
            await p.send("app")
            await eventually(lambda: len(attempts(logs, "app")) == 1, "an attempt")
            await p.send("app", first=1)
            await app.wait_for(2)

    refused = attempts(logs, "app")[0]
    assert refused["outcome"] == "http_429"
    wait = refused["next_attempt_in"]
    if believed is None:
        assert 600 * 0.8 <= wait <= 600 * 1.2
    else:
        assert wait == pytest.approx(believed, abs=5)
    assert app.got[1].id == "evt_1"


async def test_a_poison_event_ends_as_a_dead_letter_with_a_reason_while_all_others_arrive() -> (
    None
):
    async def picky(request: Request, wire: Wire) -> Response:
        return Response(400 if request.headers["webhook-id"] == "evt_0" else 204)

    with capture_logs() as logs:
        async with delivery_harness() as p:
            app = await p.receiver(
                "app", MisbehavingReceiver(behaviour=picky), schedule=(0.1,) * 3
            )
            for number in range(40):
                await p.send("app", first=number)
                await trio.sleep(0.02)
            counts = await p.settled()

    assert (counts.delivered, counts.dead) == (39, 1)
    poisoned = [line for line in attempts(logs, "app") if line["event_id"] == "evt_0"]
    assert [line["outcome"] for line in poisoned] == ["http_400"] * 4
    assert poisoned[-1]["dead_letter"] == "attempt 4 of 4 ended with http_400"
    ids = [got.id for got in app.got if got.id != "evt_0"]
    assert sorted(ids) == sorted(f"evt_{number}" for number in range(1, 40))
    assert not [line for line in logs if line["event"] == "endpoint_failing"]
