"""What httpx sends requests through: connections of our own, to allowed addresses only.

httpx's own engine, httpcore, costs milliseconds a request once a hundred are under way, leaks
the slot of a request that is cancelled while it queues (encode/httpcore#1093), and connects
wherever a name leads. It serves where a proxy is configured; everything else goes here.
"""

import ssl

import httpx
import trio

from notifier.errors import TransportError
from notifier.exchange.connection import Connection
from notifier.exchange.explained import explained
from notifier.exchange.pool import Origin, Pool
from notifier.exchange.requests import WIRE_BYTES
from notifier.outbound import Dialer

KEEP_ALIVE = 120.0
"""How long an idle connection is kept, in seconds: longer than videos are usually polled apart."""

_PORTS = {"http": 80, "https": 443}


class DirectTransport(httpx.AsyncBaseTransport):
    """Speaks HTTP/1.1 over connections that `dialer` makes; raises TransportError."""

    def __init__(self, dialer: Dialer, tls: ssl.SSLContext, keep: int) -> None:
        self._dialer = dialer
        self._tls = tls
        self._pool = Pool(self._connect, keep, KEEP_ALIVE)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`; the body of the answer is read by the caller, as it comes."""
        head = _head(request)
        body = b"" if request.method == "GET" else await request.aread()
        origin = _origin(request.url)
        connection = await self._pool.take(origin)
        try:
            status, headers = await connection.ask(head + body, request.extensions[WIRE_BYTES])
        except BaseException:
            connection.close()
            raise
        return httpx.Response(
            status, headers=headers, stream=_Body(connection, self._pool, origin)
        )

    async def aclose(self) -> None:
        """Close what is idle."""
        self._pool.close()

    async def _connect(self, origin: Origin) -> Connection:
        socket = await self._dialer.dial(origin.host, origin.port)
        if origin.scheme != "https":
            return Connection(socket, socket)
        secured = trio.SSLStream(
            socket, self._tls, server_hostname=origin.host, https_compatible=True
        )
        try:
            await secured.do_handshake()
        except (trio.BrokenResourceError, OSError) as error:
            socket.socket.close()
            raise explained("connect", error) from None
        except BaseException:
            socket.socket.close()
            raise
        return Connection(secured, socket)


class _Body(httpx.AsyncByteStream):
    """An answer's body; closing it gives the connection back, and never waits."""

    def __init__(self, connection: Connection, pool: Pool, origin: Origin) -> None:
        self._connection: Connection | None = connection
        self._pool = pool
        self._origin = origin

    def __aiter__(self) -> "_Body":
        return self

    async def __anext__(self) -> bytes:
        piece = b"" if self._connection is None else await self._connection.read()
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Let go of the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._pool.give_back(self._origin, connection)


def _origin(url: httpx.URL) -> Origin:
    if url.scheme not in _PORTS or not url.host:
        raise TransportError("bad_request", "not an http or https URL")
    return Origin(url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme])


def _head(request: httpx.Request) -> bytes:
    target = request.extensions.get("target") or request.url.raw_path
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), target)]
    lines += [b"%s: %s" % header for header in request.headers.raw]
    head = b"\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\x00" in head:
        raise TransportError("bad_request", "a line break in the URL or in a header")
    return head + b"\r\n\r\n"
