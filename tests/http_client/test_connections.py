"""Connections: kept while they are good, dropped when not, and never lost by a cancellation."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from notifier.errors import TransportError
from notifier.http_client import HttpRequest, PeerClient
from notifier.http_client.connection import MAX_HEAD
from tests.http_client.raw import OK, Server, get, serving


async def failure_of(client: PeerClient, server: Server) -> TransportError:
    with pytest.raises(TransportError) as raised:
        await get(client, server, deadline=60)
    return raised.value


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
        (b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nlink: x\r\n\r\n" + OK, b"ok"),
    ],
)
async def test_a_connection_is_used_again_after_a_whole_answer(answer: bytes, body: bytes) -> None:
    async with serving(answer) as (server, client):
        for _ in range(3):
            assert (await get(client, server)).body == body
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: Keep-Alive, Close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        OK + b"HTTP/1.1 500 Smuggled\r\ncontent-length: 0\r\n\r\n",
        OK + b"\x00garbage",
    ],
)
async def test_a_connection_is_dropped_when_nothing_good_can_follow(answer: bytes) -> None:
    async with serving(answer) as (server, client):
        for _ in range(3):
            assert (await get(client, server)).body == b"ok"
        assert server.connections == 3


@pytest.mark.parametrize("head", [b"", b"transfer-encoding: identity\r\n"])
async def test_a_body_without_a_length_ends_with_the_connection(head: bytes) -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\n" + head + b"\r\nok")
        await stream.aclose()

    async with serving(answer) as (server, client):
        assert (await get(client, server)).body == b"ok"


@pytest.mark.parametrize("head", [b"content-length: 30\r\n", b"transfer-encoding: chunked\r\n"])
async def test_an_answer_that_is_cut_short_is_no_answer(head: bytes) -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n2\r\n")
        await stream.aclose()

    async with serving(answer) as (server, client):
        failure = await failure_of(client, server)
        assert (failure.kind, "cut short" in failure.detail) == ("reset", True)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1 2xx OK\r\n\r\n",
        b"junk\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    ],
    ids=["ssh", "smtp", "no status", "junk before it", "negative", "two lengths", "upgrade"],
)
async def test_what_is_not_http_is_called_so(answer: bytes) -> None:
    async with serving(answer) as (server, client):
        assert (await failure_of(client, server)).kind == "protocol"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * (2 * MAX_HEAD) + b"\r\n\r\n",
        b"HTTP/1.1 103 Early\r\n\r\n" * MAX_HEAD,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;" + b"x" * 1_000_000,
    ],
    ids=["headers", "provisional answers", "chunk extensions"],
)
async def test_what_has_no_end_is_cut_off(answer: bytes) -> None:
    async with serving(answer) as (server, client):
        assert (await failure_of(client, server)).kind == "too_large"


async def test_headers_may_come_in_any_pieces() -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        for byte in OK:
            await stream.send_all(bytes([byte]))
            await trio.sleep(0.001)

    async with serving(answer) as (server, client):
        assert (await get(client, server)).headers["content-length"] == "2"


async def test_a_header_that_is_there_twice_has_both_values() -> None:
    twice = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n"
    async with serving(twice) as (server, client):
        assert (await get(client, server)).headers["x-a"] == "1, 2"


async def test_what_comes_after_the_body_is_no_header() -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
    async with serving(chunked + b"retry-after: 9999\r\n\r\n") as (server, client):
        assert set((await get(client, server)).headers) == {"transfer-encoding"}


async def test_an_idle_connection_that_the_server_has_closed_is_not_used() -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        await stream.send_all(OK)
        await stream.aclose()

    async with serving(answer) as (server, client):
        for _ in range(5):
            assert (await get(client, server)).body == b"ok"
            await server.has_at_most(0)
        assert server.connections == 5


@asynccontextmanager
async def closing_when_asked_again() -> AsyncIterator[tuple[Server, PeerClient]]:
    """Serve like one whose patience with an idle connection ends just as it is used again."""
    asked = set[trio.abc.Stream]()

    async def answer(stream: trio.abc.Stream) -> None:
        if stream in asked:
            await stream.aclose()
        else:
            asked.add(stream)
            await stream.send_all(OK)

    async with serving(answer) as (server, client):
        yield server, client


async def test_what_the_server_closed_as_it_was_used_again_costs_a_question_nothing() -> None:
    async with closing_when_asked_again() as (server, client):
        for _ in range(5):
            assert (await get(client, server)).body == b"ok"
        assert server.connections == 5


async def test_nothing_else_is_ever_sent_a_second_time() -> None:
    async with closing_when_asked_again() as (server, client):
        await get(client, server)
        with pytest.raises(TransportError) as raised:
            await client.send(
                HttpRequest("POST", server.url, headers={}, deadline=60, max_body=100, body=b"x")
            )
        assert raised.value.kind == "reset"
        assert server.connections == 1


async def test_a_question_is_asked_twice_at_most() -> None:
    times = 0

    async def answer(stream: trio.abc.Stream) -> None:
        nonlocal times
        times += 1
        await (stream.send_all(OK) if times == 1 else stream.aclose())

    async with serving(answer) as (server, client):
        await get(client, server)
        assert (await failure_of(client, server)).kind == "reset"
        assert times == 3
        assert (await failure_of(client, server)).kind == "reset"
        assert times == 4


async def test_no_more_connections_are_kept_than_may_be_in_flight() -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        await trio.sleep(0.01)
        await stream.send_all(OK)

    async with serving(answer, in_flight=3) as (server, client):
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(get, client, server)
        assert server.connections == 3


async def test_an_answer_before_the_request_was_read_is_still_heard() -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        assert isinstance(stream, trio.SocketStream)
        stream.socket.shutdown(1)
        with trio.move_on_after(60):
            while await stream.receive_some():
                pass

    async with serving(answer) as (server, client):
        reply = await client.send(
            HttpRequest(
                "POST", server.url, headers={}, deadline=60, max_body=10, body=b"x" * 5_000_000
            )
        )
        assert reply.status == 413


async def test_a_line_break_in_a_header_never_leaves() -> None:
    async with serving(OK) as (server, client):
        with pytest.raises(TransportError) as raised:
            await client.send(
                HttpRequest(
                    "GET", server.url, headers={"x": "a\r\nevil: b"}, deadline=60, max_body=10
                )
            )
        assert raised.value.kind == "bad_request"
        assert server.connections == 0
