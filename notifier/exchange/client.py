"""Exchanges: a request and its whole answer, within a deadline and a size.

httpx gives the types and the interface of a transport, which is called directly: its client
costs more than all the rest, for redirects, cookies, decompression and proxies from the
environment, none of which a daemon wants. This module adds what a daemon needs: one deadline
over the whole exchange (httpx's own are per read, so a byte a second never trips them), a cap
on the body, and a limit on requests in flight that is kept outside. Every foreign error leaves
as a TransportError that quotes no URL.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol, cast

import httpx
import trio

from notifier.errors import TransportError
from notifier.exchange.explained import explained
from notifier.exchange.proxied import ProxiedTransport
from notifier.exchange.requests import build_request
from notifier.exchange.transport import KEEP_ALIVE, DirectTransport
from notifier.outbound import ANYWHERE, AddressPolicy, Dialer

KINDS = (
    *("timeout", "connect", "blocked", "tls", "reset"),
    *("protocol", "too_large", "bad_request", "resources"),
)
"""Every `TransportError.kind`."""

_EXTRA_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: `headers` has lower-case names, `body` is as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http(Protocol):
    """What the doors need of an HTTP client: the port that `Exchange` implements."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        deadline: float,
        max_body: int,
        body: bytes | None = None,
    ) -> Reply:
        """Send one request and return the whole answer.

        `deadline` (seconds) covers everything from connecting to the last byte. Raises
        TransportError, also for an answer larger than `max_body` bytes.
        """


class Exchange:
    """Exchanges with one peer through `transport`, at most `in_flight` at a time."""

    def __init__(self, transport: httpx.AsyncBaseTransport, in_flight: int) -> None:
        self._transport = transport
        self._slots = trio.CapacityLimiter(in_flight)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        deadline: float,
        max_body: int,
        body: bytes | None = None,
    ) -> Reply:
        """Send one request and return the whole answer.

        `deadline` (seconds) covers everything from connecting to the last byte, but not the
        wait for a slot. Raises TransportError, also for an answer larger than `max_body`
        bytes.
        """
        try:
            self._slots.acquire_nowait()
        except trio.WouldBlock:
            await self._slots.acquire()
        try:
            with trio.move_on_after(deadline):
                return await self._send(
                    build_request(method, url, headers, body, max_body), max_body
                )
        except _FOREIGN as error:
            raise _translation(error) from None
        finally:
            self._slots.release()
        raise TransportError("timeout", f"no complete answer within {deadline:g} s")

    async def _send(self, request: httpx.Request, max_body: int) -> Reply:
        response = await self._transport.handle_async_request(request)
        try:
            body = await _read(cast("httpx.AsyncByteStream", response.stream), max_body)
        finally:
            await response.stream.aclose()  # type: ignore[union-attr]  # both are byte streams
        return Reply(response.status_code, dict(response.headers.items()), body)


async def _read(stream: httpx.AsyncByteStream, max_body: int) -> bytes:
    received: list[bytes] = []
    length = 0
    async for chunk in stream:
        received.append(chunk)
        length += len(chunk)
        if length > max_body:
            raise TransportError("too_large", f"the answer is over {max_body} bytes")
    return received[0] if len(received) == 1 else b"".join(received)


@dataclass(frozen=True, slots=True)
class Route:
    """How to get to one peer.

    `proxy` is a URL, credentials included; `ca_file` has certificates that are trusted beside
    the system's.
    """

    policy: AddressPolicy = ANYWHERE
    ca_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)


@asynccontextmanager
async def open_exchange(in_flight: int, route: Route = Route()) -> AsyncIterator[Exchange]:
    """Open connections to one peer, and close them at the end.

    Raises TransportError when the route cannot be used.
    """
    try:
        transport = _transport(in_flight, route)
    except _FOREIGN as error:
        raise _translation(error) from None
    async with transport:
        yield Exchange(transport, in_flight)


def _transport(in_flight: int, route: Route) -> httpx.AsyncBaseTransport:
    tls = _tls(route.ca_file)
    if route.proxy is None:
        return DirectTransport(Dialer(route.policy), tls, in_flight)
    limits = httpx.Limits(
        max_connections=in_flight + _EXTRA_CONNECTIONS,
        max_keepalive_connections=in_flight,
        keepalive_expiry=KEEP_ALIVE,
    )
    through = httpx.AsyncHTTPTransport(
        verify=tls, trust_env=False, limits=limits, proxy=httpx.Proxy(route.proxy)
    )
    return ProxiedTransport(through, route.policy)


def check_url(url: str) -> None:
    """Raise TransportError when httpx could not even try `url`."""
    try:
        httpx.Request("GET", url)
    except _FOREIGN as error:
        raise _translation(error) from None


@cache
def _tls(ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS context; building one costs more than everything else here."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


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
