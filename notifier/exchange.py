"""The HTTP door: the one module that imports httpx. Gateways and endpoints both go through.

httpx gives the types and the wire; this module adds what a daemon needs and httpx leaves to
its caller: one deadline over the whole exchange (httpx's own are per read, so a byte a second
never trips them), a cap on the body, no decompression (a gzip bomb stays small), no redirects,
no cookies, no proxies from the environment, and a limit on requests in flight that is kept
outside of httpcore, whose pool leaks a slot when a request queued inside it is cancelled
(encode/httpcore#1093). Every foreign error leaves as a TransportError that quotes no URL.
"""

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Protocol

import httpx
import trio

from notifier.errors import TransportError

KINDS = ("timeout", "connect", "tls", "reset", "protocol", "too_large", "bad_request")
"""Every `TransportError.kind`."""

_EXTRA_CONNECTIONS = 8
_KEEPALIVE = 120.0


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
        async with self._client.stream(method, url, headers=sent, content=body) as response:
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
    except httpx.HTTPError:
        if len(received) <= max_body:
            raise
    if len(received) > max_body:
        raise TransportError("too_large", f"the answer is over {max_body} bytes")
    return bytes(received)


@asynccontextmanager
async def open_exchange(in_flight: int) -> AsyncIterator[Exchange]:
    """Open connections to one peer, and close them at the end."""
    async with httpx.AsyncClient(
        verify=_tls(),
        trust_env=False,
        follow_redirects=False,
        timeout=None,  # noqa: S113 - `request` puts one deadline over the whole exchange
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        limits=httpx.Limits(
            max_connections=in_flight + _EXTRA_CONNECTIONS,
            max_keepalive_connections=in_flight,
            keepalive_expiry=_KEEPALIVE,
        ),
    ) as client:
        for name in ("user-agent", "accept-encoding", "accept"):
            client.headers.pop(name, None)
        yield Exchange(client, in_flight)


def check_url(url: str) -> None:
    """Raise TransportError when httpx could not even try `url`."""
    with _translated():
        httpx.Request("GET", url)


@cache
def _tls() -> ssl.SSLContext:
    """Return the one TLS context: building it costs more than everything else here."""
    return ssl.create_default_context()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what httpx and the layers below it raise into a TransportError."""
    try:
        yield
    except _FOREIGN as error:
        kind = next(kind for types, kind in _KIND_OF if isinstance(error, types))
        raise TransportError(*_explained(kind, error)) from None


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


def _explained(kind: str, error: BaseException) -> tuple[str, str]:
    """Look below `error` for what really happened.

    httpx has one name for trouble with TCP and with TLS while connecting, and its messages
    say less than the operating system's.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "tls", cause.verify_message
        if isinstance(cause, ssl.SSLError):
            return "tls", cause.reason or "handshake failed"
        if isinstance(cause, OSError) and cause.strerror:
            return kind, cause.strerror
        if isinstance(cause, BaseExceptionGroup):  # trio: one per address that was tried
            cause = cause.exceptions[0]
            continue
        cause = cause.__cause__ or cause.__context__
    return kind, type(error).__name__
