"""Passing a received request on to a receiver that is being written, and its answer back.

The body's bytes and the headers go on as they came, signature included, so that the receiver's
own verifier sees what notifier sent. What belongs to one connection alone (RFC 9110, 7.6.1) is
left out, and `Host` names the receiver. A redirect is an answer like any other: nothing is
followed. Every request gets a connection of its own; a receiver that is restarted after each
edit leaves no stale ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit, urlunsplit

from notifier.errors import TransportError
from notifier.http_client import HttpClient, HttpRequest, HttpResponse, check_url, open_client
from notifier.http_server import Request, Response

DEADLINE = 60.0
"""How long the receiver may take for its whole answer, in seconds."""

MAX_ANSWER = 10 * 1024 * 1024
"""The largest answer that is passed back, in bytes."""

_OF_ONE_CONNECTION = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("host", "content-length", "expect"),  # written anew
    }
)

_REASONS = {
    "timeout": f"no whole answer within {DEADLINE:g} s",
    "too_large": f"the answer is over {MAX_ANSWER // 1024**2} MiB",
}


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What became of one request.

    `answer` is what the sender gets. `trouble` says why the receiver could not be asked, and is
    empty when the answer is its own.
    """

    answer: Response
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class UrlForwarder:
    """Passes requests on to `url`.

    A request for `/` goes to `url` itself. What stands behind that slash is appended to its
    path, and a query to its query. Raises TransportError when `url` is no HTTP URL.
    """

    url: str

    def __post_init__(self) -> None:
        """Check the URL."""
        check_url(self.url)
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise TransportError("bad_request", "not an http or https URL")

    @property
    def shown(self) -> str:
        """The URL without credentials and query, for people."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    async def forward(self, request: Request) -> Forwarded:
        """Pass `request` on; trouble on the way is a 502 that says what it was."""
        try:
            async with open_client(1) as client:
                reply = await self._ask(client, request)
        except TransportError as error:
            reason = error.detail or _REASONS.get(error.kind, error.kind)
            trouble = f"cannot forward to {self.shown}: {reason}"
            body = f"notifier listen: {trouble}\n".encode()
            headers = {"content-type": "text/plain; charset=utf-8"}
            return Forwarded(Response(HTTPStatus.BAD_GATEWAY, headers, body), trouble)
        return Forwarded(Response(reply.status, _passed(reply.headers), reply.body))

    async def _ask(self, client: HttpClient, request: Request) -> HttpResponse:
        passed_on = HttpRequest(
            request.method,
            joined(self.url, request.target),
            _passed(request.headers),
            deadline=DEADLINE,
            max_body=MAX_ANSWER,
            body=request.body or (None if request.method in {"GET", "HEAD"} else b""),
        )
        return await client.send(passed_on)


def joined(url: str, target: str) -> str:
    """Return `url` with a request's target appended: its path without the slash, its query."""
    parts = urlsplit(url)
    path, _, query = target.partition("?")
    rest = path.removeprefix("/")
    whole = f"{parts.path.removesuffix('/')}/{rest}" if rest else parts.path or "/"
    return urlunsplit(
        (parts.scheme, parts.netloc, whole, "&".join(filter(None, (parts.query, query))), "")
    )


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that belong to the message, not to its connection."""
    named = headers.get("connection", "").lower().split(",")
    left_out = _OF_ONE_CONNECTION | {name.strip() for name in named}
    return {name: value for name, value in headers.items() if name.lower() not in left_out}
