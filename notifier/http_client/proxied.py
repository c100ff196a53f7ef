"""Sends requests through a proxy, with httpx's own transport and the address policy.

A proxy looks names up itself. So only an address that stands in the URL can be checked here;
which address a name resolves to is up to the proxy.
"""

from contextlib import suppress
from http import HTTPStatus
from ipaddress import ip_address

import httpx
import trio

from notifier.errors import TransportError
from notifier.http_client.bodies import Whole, read_body
from notifier.http_client.requests import DEADLINE, WANTS_BODY, WIRE_BYTES
from notifier.net import AddressPolicy
from notifier.texts.cleaning import one_line, shortened

_LONGEST_ANSWER = 100


class ProxiedTransport(httpx.AsyncBaseTransport):
    """Passes requests to `through`, except those to addresses that `policy` refuses."""

    def __init__(self, through: httpx.AsyncHTTPTransport, policy: AddressPolicy) -> None:
        self._through = through
        self._policy = policy

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request`; raises TransportError for an address that is refused."""
        with suppress(ValueError):
            reason = self._policy.refusal(ip_address(request.url.host))
            if reason is not None:
                raise TransportError("blocked", f"{request.url.host} is {reason}")
        # a proxy expects the whole URL as the target
        request.url = request.url.copy_with(raw_path=request.extensions.pop("target"))
        with trio.move_on_after(request.extensions.pop(DEADLINE)):
            try:
                response = await self._through.handle_async_request(request)
            except httpx.ProxyError as error:
                raise _refused(str(error)) from None  # "407 Proxy Authentication Required"
            if response.status_code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
                await response.aclose()
                raise _refused(f"{response.status_code} {response.reason_phrase}")
            # read inside the scope, so that the deadline holds for the body, too
            body = await read_body(
                response,
                request.extensions[WIRE_BYTES],
                whole=request.extensions[WANTS_BODY],
            )
            response.stream = Whole(body)
            return response
        raise TransportError("timeout", "no complete answer in time")

    async def aclose(self) -> None:
        """Close all connections to the proxy."""
        await self._through.aclose()


def _refused(answer: str) -> TransportError:
    """Return the error of a proxy that answered a status and its reason itself."""
    said = shortened(one_line(answer), _LONGEST_ANSWER)
    what = "does it let this host and port through?"
    if answer.startswith(str(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED)):
        what = "are user and password in the URL of `proxy` right?"
    return TransportError("proxy", f"the proxy answered {said}; {what}")
