"""The httpx transport for direct connections, which go to allowed addresses only.

httpx's own engine, httpcore, costs milliseconds a request once a hundred are under way, leaks
the slot of a request that is cancelled while it queues (encode/httpcore#1093), and connects to
any address that a name resolves to. It is used only where a proxy is configured (`proxied`).
"""

import ssl

import httpx
import trio

from notifier.errors import TransportError
from notifier.http_client.age import ConnectionAge
from notifier.http_client.bodies import Whole
from notifier.http_client.connecting import connect
from notifier.http_client.connection import Connection
from notifier.http_client.deadlines import Deadlines
from notifier.http_client.pool import Pool
from notifier.http_client.requests import (
    ADMISSION,
    DEADLINE,
    HEADERS,
    OFF_SYNTAX,
    ORIGIN,
    WIRE_BYTES,
    Origin,
)
from notifier.net import Admission, Dialer

KEEP_ALIVE = 120.0
"""How long an idle connection is kept, in seconds: longer than videos are usually polled apart."""


class DirectTransport(httpx.AsyncBaseTransport):
    """Sends HTTP/1.1 over connections that `dialer` makes; raises TransportError.

    At most `keep` idle connections are kept, none beyond its `age`.
    """

    def __init__(self, dialer: Dialer, tls: ssl.SSLContext, keep: int, age: ConnectionAge) -> None:
        self._dialer = dialer
        self._tls = tls
        self._age = age
        self._pool = Pool[Connection](keep, KEEP_ALIVE)
        self._deadlines = Deadlines()

    async def run(self) -> None:
        """Close what is over its deadline, for ever."""
        await self._deadlines.run()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send what `build_request` made; the answer's body is read as it arrives."""
        message = _encoded(request)
        if request.method != "GET":
            message += await request.aread()
        extensions = request.extensions
        deadline = trio.current_time() + extensions[DEADLINE]
        most = extensions[WIRE_BYTES]
        connection = self._pool.take(extensions[ORIGIN])
        if connection is not None:
            try:
                return await self._exchange(connection, message, most, deadline)
            except TransportError as error:
                # the server closed an idle connection just as it was used again
                if request.method != "GET" or error.kind != "reset" or connection.has_received:
                    raise
        connection = await self._connected(extensions[ORIGIN], deadline, extensions[ADMISSION])
        return await self._exchange(connection, message, most, deadline)

    async def _exchange(
        self, connection: Connection, message: bytes, most: int, deadline: float
    ) -> httpx.Response:
        body = _Body(connection, self._pool, self._deadlines, deadline)
        try:
            status, headers = await connection.send(message, most)
            stream = body.whole() if connection.is_whole else body
        except BaseException:
            body.release()
            raise
        response = httpx.Response(status, headers=headers, stream=stream)
        if connection.is_off_syntax:
            response.extensions[OFF_SYNTAX] = True
        return response

    async def retire(self) -> None:
        """Close all idle connections; those in use are closed after their exchange."""
        self._pool.retire()

    async def aclose(self) -> None:
        """Close all idle connections."""
        self._pool.close()

    async def _connected(
        self, origin: Origin, deadline: float, admission: Admission | None
    ) -> Connection:
        with trio.move_on_at(deadline):
            return await self._connect(origin, admission)
        raise TransportError("timeout", "no connection in time")

    async def _connect(self, origin: Origin, admission: Admission | None) -> Connection:
        stream = await connect(self._dialer, self._tls, origin, admission)
        return Connection(origin, stream, self._age.end())


class _Body(httpx.AsyncByteStream):
    """An answer's body; closing it gives the connection back to the pool, and never waits."""

    def __init__(
        self, connection: Connection, pool: Pool[Connection], deadlines: Deadlines, deadline: float
    ) -> None:
        self._connection: Connection | None = connection
        self._pool = pool
        self._deadlines = deadlines
        self._tick = deadlines.add(connection, deadline)

    def __aiter__(self) -> "_Body":
        return self

    async def __anext__(self) -> bytes:
        piece = b"" if self._connection is None else await self._connection.read()
        if not piece:
            raise StopAsyncIteration
        return piece

    def whole(self) -> Whole:
        """Return all that has arrived, and release the connection."""
        received = b"" if self._connection is None else self._connection.take()
        self.release()
        return Whole(received)

    def release(self) -> None:
        """Release the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._deadlines.drop(connection, self._tick)
            self._pool.give_back(connection)

    async def aclose(self) -> None:
        """Release the connection."""
        self.release()


def _encoded(request: httpx.Request) -> bytes:
    target: bytes = request.extensions["target"]
    if b"\r" in target or b"\n" in target or b"\x00" in target:
        raise TransportError("bad_request", "a line break in the URL")
    method = request.method.encode("ascii")
    return b"%s %s HTTP/1.1\r\n%s\r\n" % (method, target, request.extensions[HEADERS])
