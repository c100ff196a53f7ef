"""Peers behind a proxy, which sees what it must and no more."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import httpx
import pytest
import trio
import trio.testing
import trustme

from notifier.errors import TransportError
from notifier.http_client import HttpRequest, HttpResponse, PeerClient, Route, open_client
from notifier.http_client.age import ConnectionAge
from notifier.http_client.proxied import ProxiedTransport
from notifier.net import ANYWHERE, TlsMaterial

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nproxied"


@asynccontextmanager
async def proxy(requests: list[bytes], said: bytes = ANSWER) -> AsyncIterator[int]:
    async def answer(stream: trio.SocketStream) -> None:
        while head := await stream.receive_some():
            requests.append(bytes(head))
            await stream.send_all(said)

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        yield listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def get(url: str, route: Route) -> HttpResponse:
    async with open_client(1, route) as client:
        return await client.send(HttpRequest("GET", url, headers={}, deadline=60, max_body=100))


async def test_a_request_goes_through_the_proxy_with_its_credentials() -> None:
    requests: list[bytes] = []
    async with proxy(requests) as port:
        route = Route(proxy=f"http://me:p%40ss@127.0.0.1:{port}")
        assert (await get("http://gateway.example/v1", route)).body == b"proxied"
    (request,) = requests
    assert request.startswith(b"GET http://gateway.example/v1 HTTP/1.1\r\n")
    assert base64.b64encode(b"me:p@ss") in request


async def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[bytes] = []
    async with proxy(requests) as proxy_port, proxy([]) as port:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy_port}")
        await get(f"http://127.0.0.1:{port}/", Route())
        # not even for what goes through a proxy that the config names
        await get("http://gateway.example/", Route(proxy=f"http://127.0.0.1:{port}"))
    assert requests == []


async def test_an_address_that_is_refused_is_refused_behind_a_proxy_too() -> None:
    requests: list[bytes] = []
    async with proxy(requests) as port:
        with pytest.raises(TransportError) as raised:
            await get("http://169.254.169.254/", Route(proxy=f"http://127.0.0.1:{port}"))
    assert raised.value.kind == "blocked"
    assert requests == []


async def test_a_proxy_that_is_not_there_is_trouble_with_connecting() -> None:
    async with proxy([]) as port:
        pass
    with pytest.raises(TransportError) as raised:
        await get("http://gateway.example/", Route(proxy=f"http://me:secret@127.0.0.1:{port}"))
    assert raised.value.kind == "connect"
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("url", ["http://gateway.example/", "https://gateway.example/"])
async def test_a_proxy_that_asks_for_a_password_is_named_with_what_to_check(url: str) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
    async with proxy([], refusal) as port:
        with pytest.raises(TransportError) as raised:
            await get(url, Route(proxy=f"http://me:secret@127.0.0.1:{port}"))
    assert raised.value.kind == "proxy"
    assert raised.value.detail == (
        "the proxy answered 407 Proxy Authentication Required; "
        "are user and password in the URL of `proxy` right?"
    )


async def test_a_proxy_that_refuses_to_connect_is_told_from_the_peer() -> None:
    async with proxy([], b"HTTP/1.1 403 Filtered\r\ncontent-length: 0\r\n\r\n") as port:
        with pytest.raises(TransportError) as raised:
            await get("https://gateway.example/", Route(proxy=f"http://127.0.0.1:{port}"))
    assert raised.value.kind == "proxy"
    assert "403 Filtered" in raised.value.detail


class Through(httpx.AsyncHTTPTransport):
    """httpx's transport, in whose place a test answers after `takes` seconds."""

    def __init__(self, takes: float) -> None:
        super().__init__()
        self.takes = takes
        self.asked = 0
        self.closed = False

    async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        await trio.sleep(self.takes)
        assert not self.closed
        return httpx.Response(200, content=b"")

    async def aclose(self) -> None:
        self.closed = True


async def test_connections_to_a_proxy_are_made_anew_after_their_age_and_no_exchange_is_cut(
    autojump_clock: trio.testing.MockClock,  # minutes pass at once
) -> None:
    made: list[Through] = []

    def open_() -> Through:
        made.append(Through(takes=20))
        return made[-1]

    client = PeerClient(ProxiedTransport(open_, ANYWHERE, ConnectionAge(300)), 4)
    request = HttpRequest("GET", "http://gateway.example/", {}, deadline=60, max_body=9)
    await client.send(request)
    await trio.sleep(190)
    await client.send(request)  # ends at 230 s, within the least age of 240 s
    assert [(one.asked, one.closed) for one in made] == [(2, False)]

    await trio.sleep(80)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send, request)
        await trio.sleep(1)
        await client.retire()
        assert [(one.asked, one.closed) for one in made] == [(2, True), (1, False)]
    assert [one.closed for one in made] == [True, True]


async def test_a_dot_behind_the_name_of_an_https_proxy_is_not_part_of_its_certificate() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    asked: list[bytes] = []

    async def serve(stream: trio.abc.Stream) -> None:
        asked.append(bytes(await stream.receive_some()))
        await stream.send_all(ANSWER)

    async with trio.open_nursery() as nursery:
        start = partial(trio.serve_ssl_over_tcp, serve, 0, context, host="127.0.0.1")
        (listener,) = await nursery.start(start)
        port = listener.transport_listener.socket.getsockname()[1]
        proxy = f"https://user:word@localhost.:{port}"
        tls = TlsMaterial(ca=authority.cert_pem.bytes())
        reply = await get("http://gateway.example/", Route(proxy=proxy, tls=tls))
        nursery.cancel_scope.cancel()
    assert reply.body == b"proxied"
    assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk" in asked[0]


async def test_a_long_body_is_streamed_through_the_proxy() -> None:
    said = b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + bytes(3_000_000)
    async with proxy([], said) as port:
        route = Route(proxy=f"http://127.0.0.1:{port}")
        request = HttpRequest("GET", "http://gateway.example/v1", {}, 60, 100)
        async with open_client(1, route) as client:
            for _ in range(2):  # the first one gives its connection back
                async with client.stream(request) as reply:
                    sizes = []
                    while piece := await reply.read():
                        sizes.append(len(piece))
                assert (reply.status, sum(sizes)) == (200, 3_000_000)
                assert max(sizes) < 1_000_000
            async with client.stream(request) as reply:
                assert reply.status == 200  # and one that is not read is closed
