"""Answers of gateways at the edges of HTTP, and beyond: none is lost, cut or mixed up."""

from contextlib import AbstractAsyncContextManager

import pytest
import trio

from tests.passthrough.rig import VIDEO, Rig, answer, get, parts, post, rig

CONTENT = "/main/v1/videos/video_1/content"
PATIENCE = 20.0
OK = b"HTTP/1.1 200 OK\r\n"
JSON = b"content-type: application/json\r\n"
LENGTH = b"content-length: %d\r\n" % len(VIDEO)
CHUNKED = b"transfer-encoding: chunked\r\n"
CHUNKS = b"%x\r\n%s\r\n0\r\n" % (len(VIDEO), VIDEO)


def saying(data: bytes) -> AbstractAsyncContextManager[Rig]:
    """Return a rig whose gateway answers with these bytes, and closes the connection."""

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(data)
        await stream.send_eof()

    return rig(behave)


OFF_SYNTAX = {
    "no reason": b"HTTP/1.1 200\r\n" + JSON + LENGTH + b"\r\n" + VIDEO,
    "HTTP/1.0, no length": b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n" + VIDEO,
    "HTTP/2 in the status line": b"HTTP/2 200\r\n" + JSON + LENGTH + b"\r\n" + VIDEO,
    "one length twice": OK + JSON + LENGTH + LENGTH + b"\r\n" + VIDEO,
    "a length beside chunks": OK + JSON + LENGTH + CHUNKED + b"\r\n" + CHUNKS + b"\r\n",
    "identity": OK + JSON + LENGTH + b"transfer-encoding: identity\r\n\r\n" + VIDEO,
    "bare LF": (OK + JSON + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + VIDEO,
    "a folded header": OK + JSON + LENGTH + b"x-a: b\r\n c\r\n\r\n" + VIDEO,
    "a space before a colon": OK + JSON + LENGTH + b"x-a : b\r\n\r\n" + VIDEO,
    "a name that is none": OK + JSON + LENGTH + b"x a: b\r\n\r\n" + VIDEO,
    "a NUL in a value": OK + JSON + LENGTH + b"x-a: b\0c\r\n\r\n" + VIDEO,
    "a bare CR in a value": OK + JSON + LENGTH + b"x-a: b\rnotifier: c\r\n\r\n" + VIDEO,
    "Latin-1 in a value": OK + JSON + LENGTH + b"x-a: caf\xe9\r\n\r\n" + VIDEO,
    "no length": OK + JSON + b"\r\n" + VIDEO,
    "provisional answers": b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 3 + answer(VIDEO),
    "trailers": OK + JSON + CHUNKED + b"trailer: x-t\r\n\r\n" + CHUNKS + b"x-t: 1\r\n\r\n",
    "bytes after its end": answer(VIDEO) + b"more",
}


@pytest.mark.parametrize("kind", OFF_SYNTAX)
async def test_a_created_job_is_not_lost_by_bad_syntax(kind: str) -> None:
    async with saying(OFF_SYNTAX[kind]) as here:
        status, headers, body = parts(await here.post())
        assert (status, headers["notifier-watch"]) == (200, "added")
        assert VIDEO in body


NOT_READABLE = {
    "another protocol": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "no HTTP": b"<html>no</html>",
    "two lengths": OK + JSON + LENGTH + b"content-length: 3\r\n\r\n" + VIDEO,
    "a coding that is not known": OK + JSON + b"transfer-encoding: gzip\r\n\r\n" + VIDEO,
    "two codings": OK + JSON + b"transfer-encoding: gzip, chunked\r\n\r\n" + CHUNKS + b"\r\n",
    "a head without an end": OK + b"x: y\r\n" * 20_000,
    "nothing": b"",
    "half a head": OK + b"x: y\r\n",
}


@pytest.mark.parametrize("kind", NOT_READABLE)
async def test_an_answer_that_cannot_be_read_is_a_502(kind: str) -> None:
    async with saying(NOT_READABLE[kind]) as here:
        assert parts(await here.ask(get(CONTENT)))[0] == 502


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n",
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n",
        b"HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n",
    ],
)
async def test_an_answer_without_a_body_stays_one(head: bytes) -> None:
    async with saying(head + b"\r\n") as here:
        status, _, body = parts(await here.ask(get(CONTENT)))
        assert (status, body) == (int(head.split()[1]), b"")


async def test_headers_of_the_gateways_connection_and_ours_stop_here() -> None:
    hop = (
        b"Connection: X-Hop, Notifier-Watch\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n"
        b"NOTIFIER-Watch: known\r\nProxy-Authenticate: x\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\n"
    )
    async with saying(OK + JSON + LENGTH + hop + b"\r\n" + VIDEO) as here:
        received = await here.post()
        _, headers, _ = parts(received)
        assert headers["notifier-watch"] == "added"
        assert not {"x-hop", "keep-alive", "proxy-authenticate"} & set(headers)
        assert received.lower().count(b"set-cookie") == 2


async def test_chunks_that_go_bad_break_the_callers_answer() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(OK + CHUNKED + b"\r\n4\r\nabcd\r\n")
        await trio.sleep(0.1)
        await stream.send_all(b"zz\r\n")

    async with rig(behave) as here:
        with pytest.raises(trio.BrokenResourceError):
            await here.ask(get(CONTENT))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_bytes_after_an_answer_are_never_the_next_ones(method: str) -> None:
    """The gateway says more than it was asked for, and the end of that later."""
    poisoned = answer(b'{"id":"stolen"}')

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(answer(VIDEO) + poisoned[:40])
        with trio.move_on_after(0.3):
            await stream.receive_some()
        await stream.send_all(poisoned[40:] + answer(b'{"id":"stolen"}'))

    async with rig(behave) as here:
        await here.ask(get(CONTENT, method=method))
        received = await here.ask(get(CONTENT))
        assert b"stolen" not in received


async def test_an_answer_before_the_whole_body_was_sent_reaches_the_caller() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(answer(b"{}", "413 Content Too Large"))
        await stream.aclose()

    async with rig(behave) as here:
        size = 8 << 20
        stream = await here.send(post(body=b"").replace(b"length: 0", b"length: %d" % size))
        with trio.fail_after(PATIENCE):
            await stream.send_all(bytes(size))
            received = b"".join([piece async for piece in stream])
        assert parts(received)[0] == 413
