"""The HTTP client: sends a request and returns the whole answer, within a deadline and a size.

httpx gives the interface of a transport, which is called directly. Its own client costs more than
everything else here, for redirects, cookies, decompression and proxies from the environment, none
of which a daemon wants; so do its requests and responses, which only a proxy and a long body need.
This module adds what a daemon needs: one deadline over the whole exchange (httpx's own are per
read, so a byte a second never trips them), a cap on the body, and a limit on requests in flight.
Every foreign error is raised as a TransportError that quotes no URL.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol, cast

import httpx
import trio

from notifier.background import running
from notifier.errors import TransportError
from notifier.http_client.age import ConnectionAge
from notifier.http_client.bodies import Whole
from notifier.http_client.callback_exchange import Outcome
from notifier.http_client.explained import explained
from notifier.http_client.proxied import ProxiedTransport, proxy_opener
from notifier.http_client.requests import STREAMED, HttpRequest, RequestTemplate, build_request
from notifier.http_client.responses import HttpResponse
from notifier.http_client.transport import DirectTransport
from notifier.net import (
    ANYWHERE,
    SYSTEM_TRUST,
    AddressPolicy,
    Dialer,
    TlsMaterial,
    make_context,
)

KINDS = (
    *("timeout", "connect", "blocked", "tls", "reset"),
    *("protocol", "too_large", "bad_request", "resources", "proxy"),
)
"""Every `TransportError.kind`."""


class StreamedResponse:
    """An answer whose body is read piece by piece, as it comes over the wire.

    Names of `headers` are lower case.
    """

    def __init__(
        self, status: int, headers: Mapping[str, str], stream: httpx.AsyncByteStream
    ) -> None:
        self.status = status
        self.headers = headers
        self._whole = stream.received if isinstance(stream, Whole) else None
        self._pieces = stream

    async def read(self) -> bytes:
        """Return more of the body, b"" at its end; raises TransportError."""
        if self._whole is not None:
            whole, self._whole = self._whole, b""
            return whole
        try:
            return await anext(cast("AsyncIterator[bytes]", self._pieces))
        except StopAsyncIteration:
            return b""
        except _FOREIGN as error:
            raise _translation(error) from None


class StreamingClient(Protocol):
    """What is needed to read long bodies; `PeerClient` implements it."""

    def stream(self, request: HttpRequest) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send `request`, and give the answer with its body still to be read."""


class HttpClient(Protocol):
    """What adapters need of an HTTP client; `PeerClient` implements it."""

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send `request` and return the whole answer; raises TransportError."""


class PollingClient(HttpClient, Protocol):
    """What is needed to poll; `PeerClient` implements it."""

    def start(
        self, requests: RequestTemplate, segment: str, done: Callable[[Outcome], None]
    ) -> bool:
        """Send a request at once, without a task; see `PeerClient.start`."""


class PeerClient:
    """Sends requests to one peer through `transport`, at most `in_flight` at a time."""

    def __init__(self, transport: DirectTransport | ProxiedTransport, in_flight: int) -> None:
        self._transport = transport
        self._slots = trio.Semaphore(in_flight, max_value=in_flight)

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send `request` and return the whole answer; raises TransportError.

        The request's deadline begins once fewer than `in_flight` others are under way.
        """
        try:
            self._slots.acquire_nowait()
        except trio.WouldBlock:
            await self._slots.acquire()
        try:
            return await self._transport.send(request)
        except _FOREIGN as error:
            raise _translation(error) from None
        finally:
            self._slots.release()

    def start(
        self, requests: RequestTemplate, segment: str, done: Callable[[Outcome], None]
    ) -> bool:
        """Send the request for a segment at once, and call `done` with its outcome later.

        False if that takes a task, because a connection has to be made first, or `in_flight`
        others are under way: then `send` is to be used. Raises TransportError.
        """
        transport = self._transport
        if not isinstance(transport, DirectTransport):
            return False
        try:
            self._slots.acquire_nowait()
        except trio.WouldBlock:
            return False

        def ended(outcome: Outcome) -> None:
            self._slots.release()
            done(outcome)

        started = False
        try:
            started = transport.start(requests, segment, ended)
        except _FOREIGN as error:
            raise _translation(error) from None
        finally:
            if not started:
                self._slots.release()
        return started

    @asynccontextmanager
    async def stream(self, request: HttpRequest) -> AsyncIterator[StreamedResponse]:
        """Send `request`, and give the answer with its body still to be read.

        `request.deadline` ends the whole exchange, except through a proxy, where it ends with the
        head. Raises TransportError, as does reading the body.
        """
        async with self._slots:
            prepared = build_request(request)
            prepared.extensions[STREAMED] = True
            try:
                response = await self._transport.handle_async_request(prepared)
            except _FOREIGN as error:
                raise _translation(error) from None
            stream = cast("httpx.AsyncByteStream", response.stream)
            try:
                yield StreamedResponse(response.status_code, response.headers, stream)
            finally:
                await stream.aclose()

    async def retire(self) -> None:
        """Close all idle connections; those in use are closed after their exchange."""
        await self._transport.retire()


@dataclass(frozen=True, slots=True)
class Route:
    """How to reach one peer.

    `proxy` is a URL, credentials included. A connection is used for `max_connection_age` seconds
    at most. `tls` are contents of files and not their names, so that routes differ when a file
    was renewed. At most `max_idle` connections are kept for the next request; None are as many
    as requests may be in flight.
    """

    policy: AddressPolicy = ANYWHERE
    tls: TlsMaterial = SYSTEM_TRUST
    proxy: str | None = field(default=None, repr=False)
    max_connection_age: float = 300.0
    max_idle: int | None = None


@asynccontextmanager
async def open_client(in_flight: int, route: Route = Route()) -> AsyncIterator[PeerClient]:
    """Open a client for one peer, and close its connections at the end.

    Raises TransportError when the route cannot be used.
    """
    try:
        transport = _transport(in_flight, route)
    except _FOREIGN as error:
        raise _translation(error) from None
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(transport)
        if isinstance(transport, DirectTransport):
            await stack.enter_async_context(running(transport.run))
        yield PeerClient(transport, in_flight)


def _transport(in_flight: int, route: Route) -> DirectTransport | ProxiedTransport:
    age = ConnectionAge(route.max_connection_age)
    if route.proxy is None:
        keep = in_flight if route.max_idle is None else route.max_idle
        return DirectTransport(Dialer(route.policy), make_context(route.tls), keep, age)
    open_ = proxy_opener(route.proxy, route.tls, in_flight)
    return ProxiedTransport(open_, route.policy, age)


def check_url(url: str) -> None:
    """Raise TransportError when httpx could not even try `url`."""
    try:
        httpx.Request("GET", url)
    except _FOREIGN as error:
        raise _translation(error) from None


def _translation(error: Exception) -> TransportError:
    """Return what httpx and the layers below it raise as a TransportError."""
    kind = next(kind for types, kind in _KIND_OF if isinstance(error, types))
    return explained(kind, error)


# Read in order; the first row that fits names the kind. InvalidURL, UnicodeError (a header
# that is not latin-1) and RuntimeError (a closed client) are no HTTPError.
_KIND_OF: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    ((httpx.TimeoutException,), "timeout"),
    ((httpx.ConnectError,), "connect"),
    ((httpx.ReadError, httpx.WriteError, httpx.CloseError), "reset"),
    ((httpx.ProtocolError, httpx.DecodingError), "protocol"),
    ((httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError, ValueError), "bad_request"),
    ((httpx.HTTPError, httpx.StreamError, OSError, RuntimeError), "protocol"),
)
_FOREIGN = tuple(kind for types, _ in _KIND_OF for kind in types)
