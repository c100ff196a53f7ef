"""Exchanges: a request and its whole answer, within a deadline and a size.

httpx gives the types and the wire; this module adds what a daemon needs and httpx leaves to
its caller: one deadline over the whole exchange (httpx's own are per read, so a byte a second
never trips them), a cap on the body, no decompression (a gzip bomb stays small), no redirects,
no cookies, no proxies from the environment, and a limit on requests in flight that is kept
outside. Every foreign error leaves as a TransportError that quotes no URL.
"""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Protocol

import httpx
import trio

from notifier.errors import TransportError
from notifier.exchange.explained import explained
from notifier.exchange.proxied import ProxiedTransport
from notifier.exchange.transport import KEEP_ALIVE, WIRE_BYTES, DirectTransport
from notifier.outbound import ANYWHERE, AddressPolicy, Dialer

KINDS = (
    *("timeout", "connect", "blocked", "tls", "reset"),
    *("protocol", "too_large", "bad_request", "resources"),
)
"""Every `TransportError.kind`."""

_EXTRA_CONNECTIONS = 8
_OVERHEAD = 128 * 1024  # bytes, for the head and the framing of a body


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
    """Exchanges with one peer, at most `in_flight` at a time."""

    def __init__(self, client: httpx.AsyncClient, in_flight: int) -> None:
        self._client = client
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
        async with self._slots:
            with trio.move_on_after(deadline), _translated():
                return await self._send(method, url, headers, body, max_body)
        raise TransportError("timeout", f"no complete answer within {deadline:g} s")

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, max_body: int
    ) -> Reply:
        sent = {"accept-encoding": "identity", **headers}
        allowed = {WIRE_BYTES: max_body + _OVERHEAD}
        async with self._client.stream(
            method, url, headers=sent, content=body, extensions=allowed
        ) as response:
            received = await _read(response, max_body)
            names = {name.lower(): value for name, value in response.headers.items()}
            return Reply(response.status_code, names, received)


async def _read(response: httpx.Response, max_body: int) -> bytes:
    received = bytearray()
    try:
        async for chunk in response.aiter_raw():
            received += chunk
            if len(received) > max_body:
                # ends the loop from below: leaving it would leave httpx's chain of generators
                # to the garbage collector, and the connection with them
                await response.aclose()
    except (httpx.HTTPError, TransportError):
        if len(received) <= max_body:
            raise
    if len(received) > max_body:
        raise TransportError("too_large", f"the answer is over {max_body} bytes")
    return bytes(received)


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
    with _translated():
        client = httpx.AsyncClient(
            transport=_transport(in_flight, route),
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - `request` puts one deadline over the whole exchange
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
    for name in ("user-agent", "accept-encoding", "accept"):
        client.headers.pop(name, None)
    async with client:
        yield Exchange(client, in_flight)


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
    with _translated():
        httpx.Request("GET", url)


@cache
def _tls(ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS context; building one costs more than everything else here."""
    context = ssl.create_default_context()
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    context.set_alpn_protocols(["http/1.1"])
    return context


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what httpx and the layers below it raise into a TransportError."""
    try:
        yield
    except _FOREIGN as error:
        kind = next(kind for types, kind in _KIND_OF if isinstance(error, types))
        raise explained(kind, error) from None


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
