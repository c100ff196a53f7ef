"""Answers that curl and browsers accept although they break HTTP/1.1's rules."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf
from typing import cast

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from notifier.errors import TransportError
from notifier.http_client import HttpRequest, HttpResponse, PeerClient
from notifier.http_client.connection import Connection
from notifier.http_client.requests import Origin
from notifier.net import TcpStream
from tests.http_client.raw import OK, Server, serving

HEAD = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"content-length: 2\r\n"

# the answer, and its body as far as only one reading of it is possible
READ = {
    "bare LF": (b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok", b"ok"),
    "bare LF at some ends": (HEAD + b"content-length: 2\n\r\nok", b"ok"),
    "chunks beside a length": (
        HEAD + LENGTH + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"ok",
    ),
    "the same length twice": (HEAD + LENGTH + LENGTH + b"\r\nok", b"ok"),
    "the same length in a list": (HEAD + b"content-length: 2, 2\r\n\r\nok", b"ok"),
    "identity with a length": (HEAD + LENGTH + b"transfer-encoding: identity\r\n\r\nok", b"ok"),
    "a folded header": (HEAD + b"x: a\r\n b\r\n" + LENGTH + b"\r\nok", b"ok"),
    "a space before a colon": (HEAD + b"content-length : 2\r\n\r\nok", b"ok"),
    "a control character": (HEAD + b"x: a\x01b\r\n" + LENGTH + b"\r\nok", b"ok"),
    "a NUL": (HEAD + b"x: a\x00b\r\n" + LENGTH + b"\r\nok", b"ok"),
    "LF chunks": (HEAD + b"transfer-encoding: chunked\r\n\r\n2\nok\n0\n\n", b"ok"),
    "a size with a space": (
        HEAD + b"transfer-encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
        b"ok",
    ),
    "HTTP/2 in the status line": (b"HTTP/2 200\r\n" + LENGTH + b"\r\nok", b"ok"),
    "a small http": (b"http/1.1 200 ok\r\n" + LENGTH + b"\r\nok", b"ok"),
    "two spaces before the status": (b"HTTP/1.1  200 OK\r\n" + LENGTH + b"\r\nok", b"ok"),
    "two returns at line ends": (
        b"HTTP/1.1 200 OK\r\r\ncontent-length: 2\r\r\n\r\r\nok",
        b"ok",
    ),
    "no reason": (b"HTTP/1.1 200\r\n" + LENGTH + b"\r\nok", b"ok"),
    "empty lines before it": (b"\r\n\n" + HEAD + LENGTH + b"\r\nok", b"ok"),
    "a line without a colon": (HEAD + b"hello\r\n" + LENGTH + b"\r\nok", b"ok"),
    "a header without a name": (HEAD + b": x\r\n" + LENGTH + b"\r\nok", b"ok"),
    "Latin-1 in a header": (HEAD + b"x: \xe9\r\n" + LENGTH + b"\r\nok", b"ok"),
    "a provisional answer with bare LF": (
        b"HTTP/1.1 103 Early\n\n" + HEAD + LENGTH + b"\r\nok",
        b"ok",
    ),
}
UNCLEAR = {
    "lengths that differ": HEAD + LENGTH + b"content-length: 3\r\n\r\nokk",
    "a length that is no number": HEAD + b"content-length: two\r\n\r\nok",
    "an unknown coding": HEAD + b"transfer-encoding: br\r\ncontent-length: 2\r\n\r\nok",
    "chunks without a size": HEAD + b"transfer-encoding: chunked\r\n\r\nok",
    "chunks that run over": HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nok\r\n0\r\n\r\n",
}
HANGING = {
    "two lengths and no body": HEAD + LENGTH + LENGTH + b"\r\n",
    "bare LF and half a body": b"HTTP/1.1 200 OK\ncontent-length: 20\n\nhalf",
    "bare LF and no end": b"HTTP/1.1 200 OK\n\nhello",
    "more than is read": HEAD + b"content-length: 70000\r\n\r\n" + b"x" * 65_600,
    "more than is read in chunks": HEAD
    + b"transfer-encoding: chunked\r\n\r\nfff0\r\n"
    + b"x" * 65_520
    + b"\r\nff\r\n"
    + b"x" * 200,
}


async def ask(client: PeerClient, server: Server, *, wants_body: bool) -> HttpResponse:
    return await client.send(HttpRequest("GET", server.url, {}, 60, 65_536, None, wants_body))


@pytest.mark.parametrize(("answer", "body"), READ.values(), ids=READ.keys())
async def test_what_has_one_reading_is_read_and_its_connection_is_closed_if_it_is_off(
    answer: bytes, body: bytes
) -> None:
    async with serving(answer) as (server, client):
        for wants_body in (True, False):
            reply = await ask(client, server, wants_body=wants_body)
            assert reply.status == 200
            assert reply.body in ({body} if wants_body else {body, b""})
        await server.has_at_most(1)


@pytest.mark.parametrize("answer", UNCLEAR.values(), ids=UNCLEAR.keys())
async def test_of_a_body_that_has_no_clear_end_the_head_alone_counts(answer: bytes) -> None:
    async with serving(answer) as (server, client):
        assert (await ask(client, server, wants_body=False)).status == 200
        with pytest.raises(TransportError) as raised:
            await ask(client, server, wants_body=True)
        assert raised.value.kind == "protocol"
        await server.has_at_most(0)


@pytest.mark.parametrize("answer", HANGING.values(), ids=HANGING.keys())
async def test_who_asks_for_the_status_does_not_wait_for_the_rest_of_such_a_body(
    answer: bytes,
) -> None:
    async with serving(answer) as (server, client):
        assert (await ask(client, server, wants_body=False)).status == 200
        await server.has_at_most(0)


@pytest.mark.parametrize("head", [b"content-length: 30\r\n", b"transfer-encoding: chunked\r\n"])
async def test_a_body_within_the_rules_that_is_cut_short_is_no_answer(head: bytes) -> None:
    async def half(stream: trio.abc.Stream) -> None:
        await stream.send_all(HEAD + head + b"\r\n2\r\nha")
        await stream.aclose()

    async with serving(half) as (server, client):
        with pytest.raises(TransportError) as raised:
            await ask(client, server, wants_body=False)
        assert raised.value.kind == "reset"


@pytest.mark.parametrize("end", [b"0\r\n", b"0\n", b"0;last\r\n", b"0\r\n\r", b"0\r\nx: y\r\n"])
async def test_the_last_chunk_ends_a_body_if_the_connection_ends_without_an_empty_line(
    end: bytes,
) -> None:
    async def cut(stream: trio.abc.Stream) -> None:
        await stream.send_all(HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nok\r\n" + end)
        await stream.aclose()

    async with serving(cut) as (server, client):
        for wants_body in (True, False):
            reply = await ask(client, server, wants_body=wants_body)
            assert reply.status == 200
            assert reply.body in ({b"ok"} if wants_body else {b"ok", b""})


class Wire:
    """The stream of a connection: after each request come the next pieces."""

    def __init__(self, answers: Sequence[Sequence[bytes]]) -> None:
        self._answers = iter(answers)
        self._pieces: list[bytes] = []

    async def send_all(self, _: bytes) -> None:
        self._pieces = list(next(self._answers))

    async def receive_some(self, _: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def has_unread(self) -> bool:
        return bool(self._pieces)

    def close(self) -> None:
        self._pieces.clear()


def marked(number: int) -> list[bytes]:
    """Return answers that hold the number of the request they are for."""
    body = b'{"n": %d}' % number
    size = b"%d" % len(body)
    return [
        HEAD + b"content-length: " + size + b"\r\n\r\n" + body,
        HEAD + b"transfer-encoding: chunked\r\n\r\n8\r\n" + body + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\ncontent-length: " + size + b"\n\n" + body,
        HEAD + b"content-length: " + size + b", " + size + b"\r\n\r\n" + body,
        HEAD + b"content-length: 3\r\ncontent-length: " + size + b"\r\n\r\n" + body,
        HEAD + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n8\n" + body + b"\n0\n\n",
        b"HTTP/1.1 100 Continue\n\n" + HEAD + b"content-length: " + size + b"\r\n\r\n" + body,
    ]


GARBAGE = st.sampled_from(
    [
        b"",
        b"\r\n",
        b"\n\n",
        b"junk",
        b"0\r\n\r\n",
        b"5\nhello\n",
        b" folded: x\r\n\r\n",
        b"\x00",
        OK,
    ]
) | st.binary(max_size=12)


@st.composite
def conversations(draw: st.DrawFn) -> list[list[bytes]]:
    """Return what arrives after each of three requests, in random pieces."""
    answers = []
    for number in range(1, 4):
        stream = draw(GARBAGE) + draw(st.sampled_from(marked(number))) + draw(GARBAGE)
        cuts = sorted(draw(st.sets(st.integers(1, max(1, len(stream) - 1)), max_size=6)))
        bounds = [0, *cuts, len(stream)]
        pieces = [stream[start:end] for start, end in pairwise(bounds)]
        answers.append([piece for piece in pieces if piece])
    return answers


async def exchange(connection: Connection) -> bytes | None:
    """Return the body of an answer, None where there was none."""
    try:
        await connection.send(b"GET / HTTP/1.1\r\n\r\n", 1_000_000)
        body = b""
        while piece := await connection.read():
            body += piece
    except TransportError:
        return None
    return body


async def test_an_answer_that_breaks_the_rules_late_is_read_on_where_it_was() -> None:
    """What was taken of the body before is not returned again."""
    good = HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\nab\r\n"
    pieces = [good, b"2\r\ncd\r\n", b"2\nef\n0\n\n"]
    connection = Connection(Origin("http", "x", 80), cast("TcpStream", Wire([pieces])), inf)
    assert await exchange(connection) == b"abcdef"
    assert connection.is_off_syntax
    assert not connection.reusable


@given(answers=conversations())
def test_no_answer_is_read_as_another_requests(answers: list[list[bytes]]) -> None:
    async def converse() -> None:
        stream = cast("TcpStream", Wire(answers))
        connection = Connection(Origin("http", "x", 80), stream, inf)
        for number in range(1, 4):
            body = await exchange(connection)
            others = [b'"n": %d' % other for other in range(1, 4) if other != number]
            assert body is None or not any(other in body for other in others)
            if not connection.reusable or connection.is_stale():
                return

    trio.run(converse)
