"""What every server of ours needs of a request: did a web page send it, its Host, its body's end.

A browser must not act on behalf of its user, and a page must not get around that with a host
name of its own that has our address (DNS rebinding).
"""

import trio
from starlette.datastructures import Headers
from starlette.types import Receive

_MOST_DRAINED = 64 * 1024 * 1024
BODY_TIMEOUT = 30.0
"""How long the body of a request that is answered by ourselves may take, in seconds."""
# a browser sends Origin not with every request, Sec-Fetch-Site with each (W3C Fetch Metadata);
# "none" is an address that the user typed
_NOT_CROSS_SITE = frozenset({"same-origin", "none"})


def is_cross_site(headers: Headers) -> bool:
    """Return whether a browser says that a page of another site made the request."""
    sites = {site.strip().lower() for site in headers.getlist("sec-fetch-site")}
    return not sites <= _NOT_CROSS_SITE


def is_from_web_page(headers: Headers) -> bool:
    """Return whether a browser sent the request for a page of another site, or with an Origin."""
    return "origin" in headers or is_cross_site(headers)


def host_name(header: str) -> str:
    """Return a Host header's name, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


async def drain(receive: Receive) -> None:
    """Read the rest of the body, up to a bound: most clients read no answer before."""
    left = _MOST_DRAINED
    with trio.move_on_after(BODY_TIMEOUT):
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b""))
            if not message.get("more_body", False):
                return


async def discard(receive: Receive) -> None:
    """Read and forget the rest of the body, until the client goes away.

    hypercorn waits until what it has read of a body is taken, also when it sends an answer's end.
    """
    while (await receive())["type"] != "http.disconnect":
        pass
