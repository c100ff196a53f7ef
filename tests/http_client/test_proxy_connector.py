"""Streamed exchanges with an origin behind a proxy, which sees what it must and no more."""

import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest
import trio
import trustme

from notifier.errors import TransportError
from notifier.http_client import Route
from notifier.http_client.requests import Origin
from notifier.http_client.streaming import StreamClient
from notifier.net import AddressPolicy, TlsMaterial

HEAD = b"GET /v1/videos HTTP/1.1\r\nhost: gateway.example\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nvideo"
TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
PLAIN = Origin("http", "gateway.example", 80)
SECURE = Origin("https", "gateway.example", 443)
CREDENTIALS = base64.b64encode(b"me:p@ss")


@dataclass
class Proxy:
    """What a proxy was asked; it answers `said`, and leads tunnels to `behind`."""

    said: bytes = ANSWER
    behind: int = 0
    port: int = 0
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        while head := await stream.receive_some():
            self.asked.append(bytes(head))
            await stream.send_all(self.said)
            if head.startswith(b"CONNECT") and self.said == TUNNEL:
                await self._tunnel(stream)
                return

    async def _tunnel(self, stream: trio.abc.Stream) -> None:
        beyond = await trio.open_tcp_stream("127.0.0.1", self.behind)
        async with beyond, trio.open_nursery() as nursery:
            nursery.start_soon(self._pump, beyond, stream, nursery.cancel_scope)
            await self._pump(stream, beyond, nursery.cancel_scope)

    async def _pump(
        self, source: trio.abc.Stream, sink: trio.abc.Stream, scope: trio.CancelScope
    ) -> None:
        try:
            while data := await source.receive_some():
                await sink.send_all(data)
        except trio.BrokenResourceError:
            pass
        scope.cancel()


@asynccontextmanager
async def proxy(said: bytes = ANSWER, behind: int = 0) -> AsyncIterator[Proxy]:
    here = Proxy(said, behind)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, here.serve, 0, host="127.0.0.1"))
        here.port = listener.socket.getsockname()[1]
        yield here
        nursery.cancel_scope.cancel()


async def fetch(client: StreamClient, origin: Origin, head: bytes = HEAD) -> tuple[int, bytes]:
    with trio.fail_after(20):
        method = head.partition(b" ")[0].decode()
        exchange = await client.open(method, origin, head, 10, has_body=False)
        async with exchange:
            status = (await exchange.head()).status
            body = b""
            while piece := await exchange.read():
                body += piece
    return status, body


def through(port: int, **options: object) -> StreamClient:
    return StreamClient.on(Route(proxy=f"http://me:p%40ss@127.0.0.1:{port}", **options))  # type: ignore[arg-type]


async def test_requests_to_an_http_origin_name_the_whole_url_and_share_a_connection() -> None:
    async with proxy() as here:
        client = through(here.port)
        for _ in range(2):
            assert await fetch(client, PLAIN) == (200, b"video")
        await fetch(client, Origin("http", "::1", 8000))
        client.retire()
    assert here.asked[0] == (
        b"GET http://gateway.example/v1/videos HTTP/1.1\r\n"
        b"proxy-authorization: Basic " + CREDENTIALS + b"\r\nhost: gateway.example\r\n\r\n"
    )
    assert here.asked[2].startswith(b"GET http://[::1]:8000/v1/videos HTTP/1.1\r\n")
    assert here.connections == 2  # one for each origin


@asynccontextmanager
async def secure_gateway(authority: trustme.CA, asked: list[bytes]) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("gateway.example").configure_cert(context)

    async def serve(stream: trio.abc.Stream) -> None:
        try:
            while head := await stream.receive_some():
                asked.append(bytes(head))
                await stream.send_all(ANSWER)
        except trio.BrokenResourceError:
            pass  # whoever verifies a certificate in vain hangs up

    async with trio.open_nursery() as nursery:
        start = partial(trio.serve_ssl_over_tcp, serve, 0, context, host="127.0.0.1")
        (listener,) = await nursery.start(start)
        yield listener.transport_listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def test_an_https_origin_is_reached_through_a_tunnel() -> None:
    authority, asked = trustme.CA(), list[bytes]()
    tls = TlsMaterial(ca=authority.cert_pem.bytes())
    async with secure_gateway(authority, asked) as behind, proxy(TUNNEL, behind) as here:
        client = through(here.port, tls=tls)
        for _ in range(2):  # the second one through the same tunnel
            assert await fetch(client, SECURE) == (200, b"video")
        client.retire()
    (head,) = here.asked
    assert head.startswith(b"CONNECT gateway.example:443 HTTP/1.1\r\n")
    assert b"Basic " + CREDENTIALS in head
    assert asked == [HEAD, HEAD]  # not a word of the proxy's credentials


async def test_the_origin_behind_a_tunnel_is_verified() -> None:
    async with secure_gateway(trustme.CA(), []) as behind, proxy(TUNNEL, behind) as here:
        with pytest.raises(TransportError) as raised:
            await fetch(through(here.port), SECURE)
    assert raised.value.kind == "tls"


async def test_an_https_proxy_is_verified_and_tunnels_too() -> None:
    authority, asked = trustme.CA(), list[bytes]()
    tls = TlsMaterial(ca=authority.cert_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    async with secure_gateway(authority, asked) as behind, trio.open_nursery() as nursery:
        here = Proxy(TUNNEL, behind)
        start = partial(trio.serve_ssl_over_tcp, here.serve, 0, context, host="127.0.0.1")
        (listener,) = await nursery.start(start)
        port = listener.transport_listener.socket.getsockname()[1]
        client = StreamClient.on(Route(proxy=f"https://localhost:{port}", tls=tls))
        assert await fetch(client, SECURE) == (200, b"video")
        client.retire()
        nursery.cancel_scope.cancel()
    assert here.asked == [
        b"CONNECT gateway.example:443 HTTP/1.1\r\nhost: gateway.example:443\r\n\r\n"
    ]
    assert asked == [HEAD]


REFUSALS = [
    (b"HTTP/1.1 403 Filtered\r\ncontent-length: 0\r\n\r\n", SECURE, "403 Filtered"),
    (b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n", SECURE, "407 "),
    (b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n", PLAIN, "user and password"),
    (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", SECURE, "did not speak HTTP"),
    (TUNNEL + b"unasked", SECURE, "unasked"),
]


@pytest.mark.parametrize(("said", "origin", "detail"), REFUSALS)
async def test_what_the_proxy_itself_refuses_is_told_from_the_gateways_answer(
    said: bytes, origin: Origin, detail: str
) -> None:
    async with proxy(said) as here:
        client = through(here.port)
        with pytest.raises(TransportError) as raised:
            await fetch(client, origin)
        client.retire()
    assert raised.value.kind == "proxy"
    assert detail in raised.value.detail


async def test_an_address_that_is_refused_is_refused_behind_a_proxy_too() -> None:
    policy = AddressPolicy(public_only=True)
    async with proxy() as here:
        for origin in (Origin("http", "169.254.169.254", 80), Origin("https", "::1", 443)):
            with pytest.raises(TransportError) as raised:
                await fetch(through(here.port, policy=policy), origin)
            assert raised.value.kind == "blocked"
    assert here.asked == []
