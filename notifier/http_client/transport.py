"""The httpx transport for direct connections, which go to allowed addresses only.

httpx's own engine, httpcore, costs milliseconds a request once a hundred are under way, leaks
the slot of a request that is cancelled while it queues (encode/httpcore#1093), and connects to
any address that a name resolves to. It is used only where a proxy is configured (`proxied`).
"""

import ssl
from collections.abc import Callable

import httpx
import trio

from notifier.errors import TransportError
from notifier.http_client.age import ConnectionAge
from notifier.http_client.bodies import Whole, read_body
from notifier.http_client.callback_exchange import CallbackExchange, Outcome
from notifier.http_client.connecting import connect
from notifier.http_client.connection import Connection
from notifier.http_client.deadlines import Deadlines
from notifier.http_client.lenient_reader import Headers
from notifier.http_client.pool import Pool
from notifier.http_client.reactor import make_reactor
from notifier.http_client.requests import (
    ADMISSION,
    DEADLINE,
    FRAMING,
    MESSAGE,
    WIRE_BYTES,
    HttpRequest,
    Message,
    Origin,
    RequestTemplate,
    encode,
)
from notifier.http_client.responses import HttpResponse, ResponseHeaders
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
        self._keep = keep
        self._pool = Pool[Connection](keep, KEEP_ALIVE)
        self._deadlines = Deadlines()
        self._reactor = make_reactor()
        self._under_way: set[CallbackExchange] = set()

    async def run(self) -> None:
        """Serve exchanges without a task, and close what is over its deadline, for ever."""
        async with trio.open_nursery() as nursery:
            # as many as are kept may be under way: while fewer are, no request waits for an answer
            nursery.start_soon(self._reactor.run, lambda: len(self._under_way) < self._keep)
            await self._deadlines.run()

    def start(
        self, requests: RequestTemplate, segment: str, done: Callable[[Outcome], None]
    ) -> bool:
        """Send the request for a segment on an idle connection; `done` gets its outcome later.

        False if there is no such connection: then a task has to make one. Raises as
        `encode` does. `run` must be running.
        """
        message, most = requests.message(segment), requests.max_body
        return self._begin_exchange(message, requests.deadline, most, done) is not None

    def _begin_exchange(
        self, message: Message, seconds: float, most: int, done: Callable[[Outcome], None]
    ) -> CallbackExchange | None:
        now = trio.current_time()
        connection = self._pool.take(message.origin, now)
        if connection is None:
            return None
        if not connection.start(message.data, most + FRAMING):
            connection.close()
            return None
        exchange = CallbackExchange(connection, most, self._ended, done)
        connection.watch(self._reactor, exchange.arrived)
        exchange.tick = self._deadlines.add(exchange, now + seconds)
        self._under_way.add(exchange)
        return exchange

    def _ended(self, exchange: CallbackExchange, outcome: Outcome) -> None:
        self._under_way.discard(exchange)
        connection = exchange.connection
        self._deadlines.drop(exchange, exchange.tick)
        if connection.reusable:
            # what arrives while it is idle makes it stale, which the pool finds out
            connection.watch(self._reactor, connection.unwatch)
        self._pool.give_back(connection)
        exchange.done(outcome)

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send `request` and return the whole answer, without any object of httpx."""
        message, deadline = encode(request), trio.current_time() + request.deadline
        if request.method == "GET" and request.wants_body:
            outcome = await self._sent_by_callback(message, request.deadline, request.max_body)
            if isinstance(outcome, TransportError):
                raise outcome
            if outcome is not None:
                return outcome
        most = request.max_body + FRAMING
        status, headers, body = await self._exchange(message, deadline, most, request.admission)
        if not request.wants_body and body.is_off_syntax:
            body.release()
            return HttpResponse(status, ResponseHeaders(headers), b"")
        received = await read_body(body.stream(), request.max_body, whole=request.wants_body)
        return HttpResponse(status, ResponseHeaders(headers), received)

    async def _sent_by_callback(self, message: Message, seconds: float, most: int) -> Outcome:
        """Send `message` as `start` does; the task sleeps until the whole answer is there.

        None if a task has to make a connection.
        """
        task, outcomes = trio.lowlevel.current_task(), list[Outcome]()

        def done(outcome: Outcome) -> None:
            outcomes.append(outcome)
            trio.lowlevel.reschedule(task)

        exchange = self._begin_exchange(message, seconds, most, done)
        if exchange is None:
            return None

        def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
            exchange.done = outcomes.append
            exchange.abandon()
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        return outcomes[0]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send what `build_request` made; the answer's body is read as it arrives."""
        extensions = request.extensions
        status, headers, body = await self._exchange(
            extensions[MESSAGE],
            trio.current_time() + extensions[DEADLINE],
            extensions[WIRE_BYTES],
            extensions[ADMISSION],
        )
        return httpx.Response(status, headers=headers, stream=body.stream())

    async def _exchange(
        self, message: Message, deadline: float, most: int, admission: Admission | None
    ) -> tuple[int, Headers, "_Body"]:
        """Send `message`; return status, headers and a body that is still to be read."""
        connection = self._pool.take(message.origin, trio.current_time())
        if connection is not None:
            connection.unwatch()
            try:
                return await self._begin(connection, message.data, most, deadline)
            except TransportError as error:
                # the server closed an idle connection just as it was used again
                if not message.is_repeatable or error.kind != "reset" or connection.has_received:
                    raise
        connection = await self._connected(message.origin, deadline, admission)
        return await self._begin(connection, message.data, most, deadline)

    async def _begin(
        self, connection: Connection, data: bytes, most: int, deadline: float
    ) -> tuple[int, Headers, "_Body"]:
        body = _Body(connection, self._pool, self._deadlines, deadline)
        try:
            status, headers = await connection.send(data, most)
        except BaseException:
            body.release()
            raise
        return status, headers, body

    async def retire(self) -> None:
        """Close all idle connections; those in use are closed after their exchange."""
        self._pool.retire()

    async def aclose(self) -> None:
        """Close all idle connections, and end the exchanges that have no task."""
        self._pool.close()
        for exchange in tuple(self._under_way):
            exchange.abandon()

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

    @property
    def is_off_syntax(self) -> bool:
        """Whether the answer breaks HTTP/1.1's rules, as far as it has arrived."""
        return self._connection is not None and self._connection.is_off_syntax

    def stream(self) -> httpx.AsyncByteStream:
        """Return the body; if all of it has arrived, the connection is released."""
        if self._connection is None or not self._connection.is_whole:
            return self
        try:
            return Whole(self._connection.take())
        finally:
            self.release()

    def release(self) -> None:
        """Release the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._deadlines.drop(connection, self._tick)
            self._pool.give_back(connection)

    async def aclose(self) -> None:
        """Release the connection."""
        self.release()
