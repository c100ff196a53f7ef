"""Sends requests through a proxy, with httpx's own transport and the address policy.

A proxy looks names up itself. So only an address that stands in the URL can be checked here;
which address a name resolves to is up to the proxy. It looks a name up when a connection is made.

httpx's transport does not limit the age of its connections. So the transport itself has an age:
it is replaced then, and closed when its last exchange is over.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from ipaddress import ip_address
from typing import cast

import httpx
import trio

from notifier.errors import TransportError
from notifier.http_client.age import ConnectionAge
from notifier.http_client.bodies import Whole, read_body
from notifier.http_client.requests import (
    DEADLINE,
    STREAMED,
    WANTS_BODY,
    WIRE_BYTES,
    HttpRequest,
    build_request,
)
from notifier.http_client.responses import HttpResponse
from notifier.http_client.transport import KEEP_ALIVE
from notifier.net import AddressPolicy, TlsMaterial, make_context
from notifier.texts.cleaning import one_line, shortened

_EXTRA_CONNECTIONS = 8
_LONGEST_ANSWER = 100


def proxy_opener(
    url: str, tls: TlsMaterial, in_flight: int
) -> Callable[[], httpx.AsyncHTTPTransport]:
    """Return a function that makes a transport through the proxy at `url`.

    `tls` is for the peer. An https proxy is verified with the same certificates, and is not shown
    the client's.
    """
    to_peer = make_context(tls)
    to_proxy = make_context(replace(tls, certificate=None, key=None))
    limits = httpx.Limits(
        max_connections=in_flight + _EXTRA_CONNECTIONS,
        max_keepalive_connections=in_flight,
        keepalive_expiry=KEEP_ALIVE,
    )
    proxy = httpx.Proxy(url)
    if proxy.url.scheme == "https":
        # httpcore would verify a certificate for a name with its dot
        name = proxy.url.host.removesuffix(".")
        proxy = httpx.Proxy(httpx.URL(url).copy_with(host=name), ssl_context=to_proxy)

    def open_() -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=to_peer, trust_env=False, limits=limits, proxy=proxy
        )

    return open_


@dataclass(slots=True, eq=False)
class _Generation:
    """A transport, which begins no exchange after `ends_at` (trio's clock)."""

    through: httpx.AsyncHTTPTransport
    ends_at: float
    in_flight: int = 0


class ProxiedTransport(httpx.AsyncBaseTransport):
    """Passes requests to what `open_` makes, except those to addresses that `policy` refuses."""

    def __init__(
        self,
        open_: Callable[[], httpx.AsyncHTTPTransport],
        policy: AddressPolicy,
        age: ConnectionAge,
    ) -> None:
        self._open = open_
        self._policy = policy
        self._age = age
        self._present = self._generation()

    def _generation(self) -> _Generation:
        return _Generation(self._open(), self._age.end())

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Send `request` and return the whole answer."""
        response = await self.handle_async_request(build_request(request))
        stream = cast("httpx.AsyncByteStream", response.stream)
        received = await read_body(stream, request.max_body, whole=request.wants_body)
        return HttpResponse(response.status_code, response.headers, received)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`; raises TransportError for an address that is refused."""
        host = request.url.host.removesuffix(".")
        with suppress(ValueError):
            reason = self._policy.refusal(ip_address(host))
            if reason is not None:
                raise TransportError("blocked", f"{host} is {reason}")
        # a proxy expects the whole URL as the target; httpcore would verify a certificate for a
        # name with its dot
        target = request.extensions.pop("target")
        request.url = request.url.copy_with(host=host, raw_path=target)
        with trio.move_on_after(request.extensions.pop(DEADLINE)):
            return await self._exchange(request)
        raise TransportError("timeout", "no complete answer in time")

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        generation = await self._usable()
        generation.in_flight += 1
        try:
            response = await _answer(generation.through, request)
            if request.extensions.get(STREAMED):
                generation.in_flight += 1
                response.stream = _Streamed(response.stream, generation)
                return response
            # read inside the scope, so that the deadline holds for the body, too
            body = await read_body(
                cast("httpx.AsyncByteStream", response.stream),
                request.extensions[WIRE_BYTES],
                whole=request.extensions[WANTS_BODY],
            )
        finally:
            generation.in_flight -= 1
            await _close_if_over(generation)
        response.stream = Whole(body)
        return response

    async def _usable(self) -> _Generation:
        present = self._present
        if trio.current_time() >= present.ends_at:
            self._present = self._generation()
            await _close_if_over(present)
        return self._present

    async def retire(self) -> None:
        """Close all idle connections; those in use are closed after their exchange."""
        self._age = replace(self._age, seconds=0)
        self._present.ends_at = trio.current_time()
        await _close_if_over(self._present)

    async def aclose(self) -> None:
        """Close all connections to the proxy, except those of exchanges under way."""
        await self.retire()


class _Streamed(httpx.AsyncByteStream):
    """A body that is read as it arrives; its transport stays open until it is closed."""

    def __init__(self, stream: object, generation: _Generation) -> None:
        self._stream = cast("httpx.AsyncByteStream", stream)
        self._pieces = aiter(self._stream)
        self._generation = generation

    def __aiter__(self) -> "_Streamed":
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._pieces)

    async def aclose(self) -> None:
        """Release the connection."""
        self._generation.in_flight -= 1
        with trio.CancelScope(shield=True):
            await cast("AsyncGenerator[bytes, None]", self._pieces).aclose()
            await self._stream.aclose()
        await _close_if_over(self._generation)


async def _answer(through: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
    """Return the peer's answer; raises TransportError for one of the proxy itself."""
    try:
        response = await through.handle_async_request(request)
    except httpx.ProxyError as error:
        raise proxy_refusal(str(error)) from None  # "407 Proxy Authentication Required"
    if response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        await response.aclose()
        raise proxy_refusal(f"{response.status_code} {response.reason_phrase}")
    return response


async def _close_if_over(generation: _Generation) -> None:
    if not generation.in_flight and trio.current_time() >= generation.ends_at:
        # a cancelled exchange must not leave the connections of others open
        with trio.CancelScope(shield=True):
            await generation.through.aclose()


def proxy_refusal(answer: str) -> TransportError:
    """Return the error of a proxy that answered `answer` itself, a status and its reason."""
    said = shortened(one_line(answer), _LONGEST_ANSWER)
    what = "does it let this host and port through?"
    if answer.startswith(str(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)):
        what = "are user and password in the URL of `proxy` right?"
    return TransportError("proxy", f"the proxy answered {said}; {what}")
