"""Requests without a task: the same answers and failures, on connections that are kept."""

import select
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from notifier.errors import TransportError
from notifier.http_client import (
    HttpRequest,
    HttpResponse,
    Outcome,
    PeerClient,
    RequestTemplate,
    Route,
    open_client,
)
from notifier.http_client.connection import MAX_HEAD, Connection
from notifier.http_client.reactor import TaskReactor
from tests.http_client.raw import OK, Answer, Server, get, serving, serving_tls

CLOSES = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


@pytest.fixture(
    params=[
        pytest.param(
            "epoll",
            marks=pytest.mark.skipif(
                not hasattr(select, "epoll"), reason=f"{sys.platform} has no epoll"
            ),
        ),
        "tasks",
    ],
    autouse=True,
)
def reactor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have each test pass with either reactor."""
    if request.param == "tasks":
        monkeypatch.setattr("notifier.http_client.transport.make_reactor", TaskReactor)
    return str(request.param)


class Pending:
    """A request that was started."""

    def __init__(self, client: PeerClient, url: str, deadline: float, max_body: int) -> None:
        self.outcomes: list[Outcome] = []
        self._came = trio.Event()
        request = HttpRequest("GET", url, {}, deadline=deadline, max_body=max_body)
        before, slash, segment = url.rpartition("/")
        requests = RequestTemplate(before + slash, "", request)
        self.started = client.start(requests, segment, self._done)

    def _done(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._came.set()

    async def outcome(self) -> Outcome:
        with trio.fail_after(60):
            await self._came.wait()
        return self.outcomes[0]


def start(
    client: PeerClient, server: Server, deadline: float = 60, max_body: int = 100_000
) -> Pending:
    return Pending(client, server.url, deadline, max_body)


async def answered(client: PeerClient, server: Server) -> HttpResponse:
    pending = start(client, server)
    assert pending.started
    outcome = await pending.outcome()
    assert isinstance(outcome, HttpResponse), outcome
    return outcome


async def failed(pending: Pending) -> TransportError:
    assert pending.started
    outcome = await pending.outcome()
    assert isinstance(outcome, TransportError), outcome
    return outcome


@asynccontextmanager
async def connected(
    answer: Answer | bytes, in_flight: int = 4
) -> AsyncIterator[tuple[Server, PeerClient]]:
    """Serve on loopback what comes second: a first, good answer leaves a connection that waits."""
    async with serving(OK, in_flight) as (server, client):
        await get(client, server)
        server.answer = answer
        yield server, client


async def test_a_request_for_which_a_connection_has_to_be_made_is_left_to_a_task() -> None:
    async with serving(OK) as (server, client):
        assert not start(client, server).started
        assert server.connections == 0


async def test_tasks_and_callbacks_take_turns_on_one_connection() -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nX-Two: a\r\nx-two: b\r\nX-Name: \xe9\r\ncontent-length: 2\r\n\r\nok"
    )
    async with connected(answer) as (server, client):
        for _ in range(5):
            one, other = await answered(client, server), await get(client, server)
            assert (one.status, one.body) == (other.status, other.body) == (200, b"ok")
            assert dict(one.headers) == dict(other.headers)
            assert one.headers["x-two"] == "a, b"
        assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nlink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n" + b"x" * 90_000, b"x" * 90_000),
    ],
)
async def test_a_connection_is_used_again_after_a_whole_answer(answer: bytes, body: bytes) -> None:
    async with connected(answer) as (server, client):
        for _ in range(3):
            assert (await answered(client, server)).body == body
        assert server.connections == 1


async def test_an_answer_may_come_in_pieces() -> None:
    async def drip(stream: trio.abc.Stream) -> None:
        for byte in OK:
            await stream.send_all(bytes([byte]))
            await trio.sleep(0.001)

    async with connected(drip) as (server, client):
        assert (await answered(client, server)).body == b"ok"
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        CLOSES,
        OK + b"HTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n",
        OK + b"\x00garbage",
        b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok",  # lenient reading: the last on its connection
    ],
)
async def test_a_connection_is_dropped_when_nothing_good_can_follow(answer: bytes) -> None:
    async with connected(answer) as (server, client):
        assert (await answered(client, server)).body == b"ok"
        assert not start(client, server).started
        await server.has_at_most(0)


async def test_a_body_without_a_length_ends_with_the_connection() -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\nok")
        await stream.aclose()

    async with connected(answer) as (server, client):
        assert (await answered(client, server)).body == b"ok"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 30\r\n\r\n2", "reset"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * (MAX_HEAD + 10_000), "too_large"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-length: 2\r\n\r\nok", "protocol"),
        (b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n" + b"x" * 100_001, "too_large"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 900000\r\n\r\n" + b"x" * 900_000, "too_large"),
    ],
)
async def test_what_is_no_answer_is_a_failure_of_its_kind(answer: bytes, kind: str) -> None:
    async def say_and_close(stream: trio.abc.Stream) -> None:
        await stream.send_all(answer)
        await stream.aclose()

    async with connected(say_and_close) as (server, client):
        assert (await failed(start(client, server))).kind == kind
        await server.has_at_most(0)


async def test_a_request_ends_at_its_deadline_and_closes_its_connection() -> None:
    async def drip(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
        while True:
            await stream.send_all(b".")
            await trio.sleep(0.01)

    async with connected(drip) as (server, client):
        assert (await failed(start(client, server, deadline=0.2))).kind == "timeout"
        await server.has_at_most(0)
        server.answer = OK
        assert (await get(client, server)).body == b"ok"


async def test_a_task_that_is_cancelled_as_it_waits_for_a_callback_closes_its_connection() -> None:
    async def say_nothing(stream: trio.abc.Stream) -> None:
        await stream.receive_some()  # until it goes away

    async with connected(say_nothing, in_flight=1) as (server, client):
        with trio.move_on_after(0.05):
            await get(client, server)
        await server.has_at_most(0)
        server.answer = OK
        assert (await get(client, server)).body == b"ok"


async def test_a_task_has_one_deadline_also_where_it_has_to_connect_anew() -> None:
    closed_at = 0.0

    async def close_late(stream: trio.abc.Stream) -> None:
        nonlocal closed_at
        server.answer = say_nothing
        await trio.sleep(0.3)
        closed_at = trio.current_time()
        await stream.aclose()

    async def say_nothing(_: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async with connected(close_late) as (server, client):
        with pytest.raises(TransportError) as error:
            await get(client, server, deadline=0.6)
        assert error.value.kind == "timeout"
        assert trio.current_time() - closed_at < 0.55
        assert server.connections == 2


async def test_a_server_that_closes_as_it_is_asked_again_has_to_be_asked_once_more() -> None:
    async with connected(lambda stream: stream.aclose()) as (server, client):
        pending = start(client, server)
        assert pending.started
        assert await pending.outcome() is None


async def test_a_connection_that_the_server_closed_while_it_was_idle_is_not_used() -> None:
    async def answer_and_close(stream: trio.abc.Stream) -> None:
        await stream.send_all(OK)
        await stream.aclose()

    async with connected(answer_and_close) as (server, client):
        await answered(client, server)
        await server.has_at_most(0)
        assert not start(client, server).started


async def test_what_nobody_asked_for_is_not_read_as_the_next_answer() -> None:
    said = trio.Event()

    async def answer_twice(stream: trio.abc.Stream) -> None:
        await stream.send_all(OK)
        await trio.sleep(0.05)
        await stream.send_all(b"HTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n")
        said.set()

    async with connected(answer_twice) as (server, client):
        assert (await answered(client, server)).status == 200
        await said.wait()
        await trio.sleep(0.05)
        assert not start(client, server).started


async def test_no_more_requests_are_under_way_than_may_be() -> None:
    go_on = trio.Event()

    async def answer(stream: trio.abc.Stream) -> None:
        await go_on.wait()
        await stream.send_all(OK)

    async with connected(answer, in_flight=1) as (server, client):
        first = start(client, server)
        assert not start(client, server).started
        go_on.set()
        assert isinstance(await first.outcome(), HttpResponse)
        assert (await answered(client, server)).body == b"ok"


async def test_closing_the_client_ends_what_is_under_way() -> None:
    async def say_nothing(_: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    async with serving(OK) as (server, _):
        async with open_client(1) as client:
            await get(client, server)
            server.answer = say_nothing
            pending = start(client, server)
        assert (await failed(pending)).kind == "reset"
        assert len(pending.outcomes) == 1


async def test_what_cannot_be_sent_raises_and_takes_no_place() -> None:
    async with connected(OK, in_flight=1) as (server, client):
        with pytest.raises(TransportError):
            Pending(client, "ftp://h/", 60, 1)
        assert (await answered(client, server)).body == b"ok"


async def test_requests_through_a_proxy_are_left_to_tasks() -> None:
    async with open_client(1, Route(proxy="http://127.0.0.1:9")) as client:
        assert not Pending(client, "http://h/", 60, 1).started


async def test_tls_makes_no_difference(tmp_path: Path) -> None:
    big = b"HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n" + b"x" * 90_000
    async with serving_tls(big, tmp_path / "ca.pem") as (server, client):
        await get(client, server)
        for _ in range(5):
            assert len((await answered(client, server)).body) == 90_000
            assert len((await get(client, server)).body) == 90_000
        assert server.connections == 1
        server.answer = OK + OK
        assert (await answered(client, server)).body == b"ok"
        assert not start(client, server).started
        await get(client, server)
        server.answer = lambda stream: stream.aclose()
        pending = start(client, server)
        assert not pending.started or await pending.outcome() is None


@pytest.mark.parametrize("encrypted", [False, True])
async def test_others_are_served_while_a_long_answer_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, encrypted: bool
) -> None:
    monkeypatch.setattr("notifier.http_client.connection._MOST_AT_ONCE", 100)
    whole: list[bool] = []
    advance = Connection.advance

    def noting(connection: Connection) -> bool:
        whole.append(advance(connection))
        return whole[-1]

    monkeypatch.setattr(Connection, "advance", noting)
    big = b"HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n" + b"x" * 90_000
    serve = serving_tls(big, tmp_path / "ca.pem") if encrypted else serving(big)
    async with serve as (server, client):
        await get(client, server)
        whole.clear()
        assert len((await answered(client, server)).body) == 90_000
        assert len(whole) > 2
        assert whole.count(True) == 1
