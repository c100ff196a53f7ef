"""The HTTP door against peers that behave badly: bounded time, bounded bytes, named errors."""

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio

from notifier.errors import TransportError
from notifier.http_client import KINDS, HttpRequest, HttpResponse, PeerClient, open_client
from notifier.http_server import Request, Response, Wire, serve

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
Answer = Callable[[Request, Wire], Awaitable[Response | None]]


@asynccontextmanager
async def peer(answer: Answer, in_flight: int = 4) -> AsyncIterator[tuple[PeerClient, str]]:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, answer, port=0))
        async with open_client(in_flight) as client:
            yield client, f"http://127.0.0.1:{port}"
        nursery.cancel_scope.cancel()


async def get(
    client: PeerClient, url: str, deadline: float = 60, max_body: int = 1000
) -> HttpResponse:
    return await client.send(
        HttpRequest("GET", url, headers={}, deadline=deadline, max_body=max_body)
    )


async def failure_of(answer: Answer, deadline: float = 60, max_body: int = 1000) -> TransportError:
    async with peer(answer) as (client, url):
        with pytest.raises(TransportError) as raised:
            await get(client, f"{url}/secret-path", deadline, max_body)
    assert "secret-path" not in str(raised.value)
    assert raised.value.kind in KINDS
    return raised.value


async def test_an_answer_comes_whole() -> None:
    async def answer(request: Request, wire: Wire) -> Response:
        return Response(404, {"X-Thing": "yes"}, request.method.encode())

    async with peer(answer) as (client, url):
        reply = await get(client, url)
    assert (reply.status, reply.body, reply.headers["x-thing"]) == (404, b"GET", "yes")


async def test_one_byte_a_moment_runs_into_the_deadline() -> None:
    async def answer(request: Request, wire: Wire) -> None:
        await wire.drip(Response(200, {}, b"x" * 1000), 0.05)

    assert (await failure_of(answer, deadline=0.5)).kind == "timeout"


async def test_endless_provisional_answers_run_into_the_deadline() -> None:
    async def answer(request: Request, wire: Wire) -> None:
        while True:
            await wire.send_raw(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            await trio.sleep(0.01)

    assert (await failure_of(answer, deadline=0.5)).kind == "timeout"


async def test_silence_runs_into_the_deadline() -> None:
    async def answer(request: Request, wire: Wire) -> None:
        await wire.hang()

    assert (await failure_of(answer, deadline=0.3)).kind == "timeout"


async def test_an_endless_body_is_cut_off_at_the_cap() -> None:
    sent = 0

    async def answer(request: Request, wire: Wire) -> None:
        nonlocal sent
        await wire.send_raw(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
        while True:
            await wire.send_raw(b"x" * 10_000)
            sent += 10_000

    assert (await failure_of(answer, max_body=50_000)).kind == "too_large"
    assert sent < 10_000_000


async def test_a_compressed_body_is_never_unpacked() -> None:
    bomb = gzip.compress(b"0" * 1_000_000)

    async def answer(request: Request, wire: Wire) -> Response:
        assert request.headers["accept-encoding"] == "identity"
        return Response(200, {"content-encoding": "gzip"}, bomb)

    async with peer(answer) as (client, url):
        reply = await get(client, url, max_body=10_000)
    assert reply.body == bomb


async def test_a_reset_is_told_from_other_trouble() -> None:
    async def answer(request: Request, wire: Wire) -> None:
        await wire.reset()

    assert (await failure_of(answer)).kind == "reset"


async def test_an_answer_cut_short_is_no_answer() -> None:
    async def answer(request: Request, wire: Wire) -> None:
        await wire.send_raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")

    assert (await failure_of(answer)).kind in {"protocol", "reset"}


async def test_what_is_not_http_is_no_answer() -> None:
    async def answer(request: Request, wire: Wire) -> None:
        await wire.send_raw(b"\x16\x03\x01 SSH-2.0\r\n\r\n")

    assert (await failure_of(answer)).kind == "protocol"


async def test_a_refused_connection_and_a_bad_certificate_have_names_of_their_own() -> None:
    async def answer(request: Request, wire: Wire) -> Response:
        return Response(200)

    async with peer(answer) as (client, url):
        with pytest.raises(TransportError, match="Connection refused") as refused:
            await get(client, "http://127.0.0.1:1/")
        with pytest.raises(TransportError) as no_tls:
            await get(client, url.replace("http:", "https:"))
    assert (refused.value.kind, no_tls.value.kind) == ("connect", "tls")


@pytest.mark.parametrize("url", ["http://[::bad/", "nothing", "http://", "ftp://x/", "http://a\n"])
async def test_a_url_that_cannot_be_tried_is_an_error_and_no_crash(url: str) -> None:
    async with open_client(1) as client:
        with pytest.raises(TransportError) as raised:
            await get(client, url)
    assert raised.value.kind == "bad_request"


async def test_a_header_that_cannot_be_sent_is_an_error_and_no_crash() -> None:
    async with open_client(1) as client:
        with pytest.raises(TransportError) as raised:
            await client.send(
                HttpRequest(
                    "GET", "http://127.0.0.1:1/", headers={"a": "☃"}, deadline=1, max_body=1
                )
            )
    assert raised.value.kind == "bad_request"


async def test_redirects_are_not_followed_and_cookies_are_not_kept() -> None:
    seen: list[str] = []

    async def answer(request: Request, wire: Wire) -> Response:
        seen.append(request.headers.get("cookie", ""))
        return Response(302, {"location": "/elsewhere", "set-cookie": "a=b; Path=/"})

    async with peer(answer) as (client, url):
        assert (await get(client, url)).status == 302
        assert (await get(client, url)).status == 302
    assert seen == ["", ""]


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    async def answer(request: Request, wire: Wire) -> Response:
        return Response(200)

    async with peer(answer) as (client, url):
        assert (await get(client, url)).status == 200


async def test_cancelled_requests_give_their_place_back() -> None:
    async def answer(request: Request, wire: Wire) -> Response:
        await trio.sleep(0.02)
        return Response(200)

    async with peer(answer, in_flight=2) as (client, url):
        for _ in range(20):
            async with trio.open_nursery() as nursery:
                for _ in range(10):
                    nursery.start_soon(get, client, url)
                await trio.sleep(0.01)
                nursery.cancel_scope.cancel()
        assert (await get(client, url)).status == 200


ENDLESS = {
    "provisional answers": (b"", b"HTTP/1.1 103 Hint\r\n\r\n"),
    "provisional answers with headers": (
        b"",
        b"HTTP/1.1 100 Go\r\na: " + b"b" * 999 + b"\r\n\r\n",
    ),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\na: ", b"b"),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n"),
    "chunk extensions": (CHUNKED, b"1;" + b"x" * 9999 + b"\r\nx\r\n"),
    "trailers": (CHUNKED + b"0\r\n", b"a: b\r\n"),
}


@pytest.mark.parametrize("name", ENDLESS)
async def test_what_never_becomes_an_answer_is_cut_off_long_before_the_deadline(name: str) -> None:
    start, again = ENDLESS[name]
    sent = 0

    async def answer(request: Request, wire: Wire) -> None:
        nonlocal sent
        await wire.send_raw(start)
        while True:
            await wire.send_raw(again * (20_000 // len(again)))
            sent += 20_000

    kind = (await failure_of(answer, deadline=600, max_body=50_000)).kind
    assert kind in {"too_large", "protocol"}  # and not a timeout
    assert sent < 10_000_000


async def test_a_talkative_peer_leaves_the_other_tasks_their_turn() -> None:
    async def answer(request: Request, wire: Wire) -> None:
        while True:
            await wire.send_raw(b"HTTP/1.1 103 Hint\r\n\r\n" * 3000)

    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_turns)
        assert (await failure_of(answer)).kind == "too_large"
        nursery.cancel_scope.cancel()
    # 64 KiB are read before it is cut off, at most 8 of them in one go
    assert turns >= 8


@pytest.mark.parametrize(
    "value", ["javascript:1", "http://[", "//\x80", "http://xn--\xff/", "?" * 9999]
)
async def test_an_address_that_nobody_would_follow_does_not_spoil_the_answer(value: str) -> None:
    async def answer(request: Request, wire: Wire) -> None:
        location = value.encode("latin-1")
        await wire.send_raw(
            b"HTTP/1.1 302 Found\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n"
        )

    async with peer(answer) as (client, url):
        assert (await get(client, url)).status == 302
