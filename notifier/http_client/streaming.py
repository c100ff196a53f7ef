"""Streams a request to a peer and its answer back, both at the same time, in constant memory.

The client in `client` is for small messages that are read whole, within a deadline. Here nothing
is kept: whoever sends waits until the peer takes more, whoever reads gets what has arrived. Only
a silence ends an exchange, never its length.
"""

import ssl
from types import TracebackType
from typing import NamedTuple, Self

import httptools
import trio

from notifier.errors import TransportError
from notifier.http_client.age import ConnectionAge
from notifier.http_client.client import Route
from notifier.http_client.connecting import connect
from notifier.http_client.explained import explained
from notifier.http_client.pool import Pool
from notifier.http_client.requests import Origin
from notifier.net import Dialer, TcpStream, TlsStream, make_context

MAX_HEAD = 64 * 1024
"""Most bytes of an answer's status line and headers, provisional answers included."""

_PIECE = 64 * 1024
_KEEP_ALIVE = 60.0
_KEEP = 100
_REPEATABLE = frozenset({"GET", "HEAD"})
_FINAL = 200

RawHeaders = list[tuple[bytes, bytes]]


class StreamedHead(NamedTuple):
    """The head of an answer; `headers` are in their order, names as they came."""

    status: int
    headers: RawHeaders


class _AnswerReader:
    """The part of an answer that has arrived; httptools calls the `on_` methods."""

    def __init__(self, *, bodiless: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._bodiless = bodiless
        self._headers: RawHeaders = []
        self.head: StreamedHead | None = None
        self.received: list[bytes] = []
        self.complete = False
        self.keeps_alive = False

    def feed(self, data: bytes) -> None:
        """Parse what has arrived; raises TransportError."""
        if self.complete:
            self.keeps_alive = False  # more than the answer belongs to no request
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise TransportError("protocol", "it wants to speak another protocol") from None
        except httptools.HttpParserError as error:
            self.keeps_alive = False
            if not self.complete:
                raise TransportError("protocol", f"not HTTP/1.1: {type(error).__name__}") from None

    @property
    def ends_with_connection(self) -> bool:
        """Whether the body ends where the connection ends, for lack of any framing."""
        if self.head is None:
            return False
        given = {name.lower(): value.lower() for name, value in self.head.headers}
        chunked = given.get(b"transfer-encoding", b"").endswith(b"chunked")
        return not chunked and b"content-length" not in given

    def on_message_begin(self) -> None:
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head is None:  # else a trailer
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status >= _FINAL and self.head is None:
            self.head = StreamedHead(status, self._headers)
            self.keeps_alive = self._parser.should_keep_alive()
            self.complete = self._bodiless

    def on_body(self, body: bytes) -> None:
        if not self.complete:
            self.received.append(body)

    def on_message_complete(self) -> None:
        if self.head is not None:
            self.complete = True


class StreamConnection:
    """A connection to `origin`, for one exchange at a time; see `Poolable`."""

    def __init__(self, origin: Origin, stream: TcpStream | TlsStream, ends_at: float) -> None:
        self.origin = origin
        self.ends_at = ends_at
        self.stream = stream
        self.reusable = False

    def is_stale(self) -> bool:
        """Tell whether the server closed this idle connection, or sent something unasked."""
        return self.stream.has_unread()

    def close(self) -> None:
        """Close at once."""
        self.stream.close()


class Exchange:
    """One request and its answer. One task may send while another one receives."""

    def __init__(
        self, connection: StreamConnection, pool: Pool[StreamConnection], method: str
    ) -> None:
        self._connection = connection
        self._pool = pool
        self._answer = _AnswerReader(bodiless=method == "HEAD")
        self._sent = False
        self.has_received = False

    async def send(self, data: bytes) -> None:
        """Send a part of the request; waits until the peer takes it. Raises TransportError."""
        try:
            await self._connection.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise explained("reset", error) from None

    def all_sent(self) -> None:
        """Record that the request has been sent whole."""
        self._sent = True

    async def head(self) -> StreamedHead:
        """Return status and headers once they have arrived; raises TransportError."""
        read = 0
        while self._answer.head is None:
            read += await self._receive()
            if read > MAX_HEAD and self._answer.head is None:
                raise TransportError("too_large", f"the headers are over {MAX_HEAD} bytes")
        return self._answer.head

    async def read(self) -> bytes:
        """Return more of the answer's body as it arrives, b"" at its end.

        Raises TransportError for an answer that breaks off.
        """
        while not self._answer.received and not self._answer.complete:
            await self._receive()
        received, self._answer.received = self._answer.received, []
        return b"".join(received)

    async def _receive(self) -> int:
        try:
            data = await self._connection.stream.receive_some(_PIECE)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            raise explained("reset", error) from None
        if data:
            self.has_received = True
            self._answer.feed(data)
        elif self._answer.ends_with_connection:
            self._answer.complete = True
            self._answer.keeps_alive = False
        else:
            what = "no answer" if self._answer.head is None else "the answer was cut short"
            raise TransportError("reset", f"{what}: the server closed the connection")
        return len(data)

    def close(self) -> None:
        """Release the connection: for the next request if this exchange is over."""
        answer = self._answer
        self._connection.reusable = self._sent and answer.complete and answer.keeps_alive
        self._pool.give_back(self._connection)

    async def __aenter__(self) -> Self:
        """Use the exchange for the length of a block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Release the connection."""
        self.close()


class StreamClient:
    """Opens exchanges with one peer, and keeps connections for the next ones."""

    def __init__(self, dialer: Dialer, tls: ssl.SSLContext, age: ConnectionAge) -> None:
        self._dialer = dialer
        self._tls = tls
        self._age = age
        self._pool = Pool[StreamConnection](_KEEP, _KEEP_ALIVE)

    async def open(
        self, method: str, origin: Origin, head: bytes, within: float, *, has_body: bool
    ) -> Exchange:
        """Return an exchange whose `head` has been sent; raises TransportError.

        Connecting may take `within` seconds. A request that may not be repeated gets a connection
        of its own: on an idle one the server may just be closing, nobody would know whether the
        request was taken.
        """
        repeatable = method in _REPEATABLE and not has_body
        if repeatable and (idle := self._pool.take(origin)) is not None:
            exchange = Exchange(idle, self._pool, method)
            try:
                await exchange.send(head)
                exchange.all_sent()
                with trio.move_on_after(within):
                    await exchange.head()
            except TransportError:
                exchange.close()
                if exchange.has_received:
                    raise
            except BaseException:
                exchange.close()
                raise
            else:
                return exchange
        return await self._opened_anew(method, origin, head, within, has_body=has_body)

    async def _opened_anew(
        self, method: str, origin: Origin, head: bytes, within: float, *, has_body: bool
    ) -> Exchange:
        with trio.move_on_after(within):
            stream = await connect(self._dialer, self._tls, origin)
            connection = StreamConnection(origin, stream, self._age.end())
            exchange = Exchange(connection, self._pool, method)
            try:
                await exchange.send(head)
            except BaseException:
                exchange.close()
                raise
            if not has_body:
                exchange.all_sent()
            return exchange
        raise TransportError("timeout", "no connection in time")

    @classmethod
    def on(cls, route: Route) -> Self:
        """Return a client that takes a route; raises TransportError."""
        tls = make_context(route.tls)
        return cls(Dialer(route.policy), tls, ConnectionAge(route.max_connection_age))

    def retire(self) -> None:
        """Close all idle connections; those in use are closed after their exchange."""
        self._pool.retire()
