"""Streams a request to a peer and its answer back, both at the same time, in constant memory.

The client in `client` is for small messages that are read whole, within a deadline. Here nothing
is kept: whoever sends waits until the peer takes more, whoever reads gets what has arrived. Only
a silence ends an exchange, never its length.
"""

from http import HTTPStatus
from types import TracebackType
from typing import Self

import trio

from notifier.errors import TransportError
from notifier.http_client.age import ConnectionAge
from notifier.http_client.client import Route
from notifier.http_client.connecting import Connector, DirectConnector
from notifier.http_client.explained import explained
from notifier.http_client.pool import Pool
from notifier.http_client.proxied import proxy_refusal
from notifier.http_client.proxy_connector import ProxyConnector
from notifier.http_client.requests import Origin
from notifier.http_client.streamed_answer import AnswerReader, StreamedHead
from notifier.net import Dialer, TcpStream, TlsStream, make_context

MAX_HEAD = 64 * 1024
"""Most bytes of an answer's status line and headers, provisional answers included."""

_PIECE = 64 * 1024
_KEEP_ALIVE = 60.0
_KEEP = 100
_REPEATABLE = frozenset({"GET", "HEAD"})


class StreamConnection:
    """A connection for requests to `origin`, one at a time; see `Poolable`.

    `forwarded` says whether a proxy reads them, and may answer them itself.
    """

    def __init__(
        self, origin: Origin, stream: TcpStream | TlsStream, ends_at: float, *, forwarded: bool
    ) -> None:
        self.origin = origin
        self.forwarded = forwarded
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
        self._answer = AnswerReader(bodiless=method == "HEAD")
        self._sent = False
        self._ended = False
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
        """Return status and headers once they have arrived.

        Raises TransportError, also for a proxy that asks for credentials.
        """
        read = 0
        while self._answer.head is None:
            read += await self._receive()
            if read > MAX_HEAD and self._answer.head is None:
                raise TransportError("too_large", f"the headers are over {MAX_HEAD} bytes")
        status = self._answer.head.status
        if self._connection.forwarded and status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            raise proxy_refusal(f"{status} {HTTPStatus(status).phrase}")
        return self._answer.head

    async def read(self) -> bytes:
        """Return more of the answer's body as it arrives, b"" at its end.

        Raises TransportError for an answer that breaks off.
        """
        while not (self._answer.has_news or self._ended):
            await self._receive()
        return self._answer.take()

    async def _receive(self) -> int:
        try:
            data = await self._connection.stream.receive_some(_PIECE)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            raise explained("reset", error) from None
        if data:
            self.has_received = True
            self._answer.feed(data)
        elif self._answer.ends_with_connection:
            self._ended = True
        else:
            what = "no answer" if self._answer.head is None else "the answer was cut short"
            raise TransportError("reset", f"{what}: the server closed the connection")
        return len(data)

    def close(self) -> None:
        """Release the connection: for the next request if this exchange is over."""
        self._connection.reusable = self._sent and self._answer.keeps_alive
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

    def __init__(self, connector: Connector, age: ConnectionAge) -> None:
        self._connector = connector
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
        head = self._connector.addressed(head, origin)
        repeatable = method in _REPEATABLE and not has_body
        if repeatable and (idle := self._pool.take(origin, trio.current_time())) is not None:
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
            stream = await self._connector.connect(origin)
            forwarded = self._connector.forwards(origin)
            connection = StreamConnection(origin, stream, self._age.end(), forwarded=forwarded)
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
        return cls(_connector(route), ConnectionAge(route.max_connection_age))

    def retire(self) -> None:
        """Close all idle connections; those in use are closed after their exchange."""
        self._pool.retire()


def _connector(route: Route) -> Connector:
    if route.proxy is None:
        return DirectConnector(Dialer(route.policy), make_context(route.tls))
    return ProxyConnector.to(route.proxy, route.tls, route.policy)
