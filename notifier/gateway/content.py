"""Opens the content of a finished video, as `GET /v1/videos/{id}/content` leads to it.

Gateways send the bytes themselves or redirect to where they are, often to a signed address of
another host. The configured headers and the client certificate are shown to the gateway's own
origin alone. Once a redirect has left it, nothing is shown to any later one either, and only
addresses that the outside client's policy allows are connected to.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urldefrag, urljoin, urlsplit

import trio

from notifier import __version__
from notifier.errors import NotifierError, TransportError
from notifier.gateway.client import GatewayRules
from notifier.gateway.poll_errors import excerpt
from notifier.gateway.urls import download_url
from notifier.http_client import HttpRequest, StreamedResponse, StreamingClient
from notifier.schedule.retry_after import parse_retry_after
from notifier.texts.locations import shown_location

MOST_REDIRECTS = 5

LONGEST_EXCHANGE = 3600.0
"""How long one exchange may take from connecting to the last byte, in seconds."""

_MOST_SAID = 16 * 1024
_FRAMING = 2
"""A body may take so many times its size on the wire: chunks have a head each."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OK, _PARTIAL, _NO_RANGE = 200, 206, 416
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
_LENGTH = re.compile(r"[0-9]{1,18}")
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e]{1,200}"')
_PORTS = {"http": 80, "https": 443}


class ContentError(NotifierError):
    """The content could not be opened or read; the text says why, and holds no secret.

    `wait` is what the gateway asked for, in seconds. `starts_over` says that what is there of the
    content cannot be continued.
    """

    def __init__(
        self, reason: str, *, wait: float | None = None, starts_over: bool = False
    ) -> None:
        super().__init__(reason)
        self.wait = wait
        self.starts_over = starts_over


class Part(NamedTuple):
    """The beginning of a content that is there already: its strong ETag and its length."""

    etag: str
    length: int


@dataclass(frozen=True, slots=True)
class Content:
    """An opened content, from `offset` on; `total` is its whole length, None if unknown.

    `etag` is strong, or None.
    """

    reply: StreamedResponse
    offset: int
    total: int | None
    content_type: str
    etag: str | None
    patience: float

    async def read(self) -> bytes:
        """Return more of it, b"" at its end; raises ContentError."""
        try:
            with trio.fail_after(self.patience):
                return await self.reply.read()
        except trio.TooSlowError:
            raise ContentError(f"nothing came for {self.patience:g} s") from None
        except TransportError as error:
            raise ContentError(str(error)) from None


class ContentClient:
    """Opens contents of one gateway: its own origin through `inside`, others through `outside`."""

    def __init__(
        self,
        rules: GatewayRules,
        inside: StreamingClient,
        outside: StreamingClient,
        wall: Callable[[], float],
    ) -> None:
        self._rules = rules
        self._inside = inside
        self._outside = outside
        self._wall = wall

    @asynccontextmanager
    async def open(self, video_id: str, part: Part | None, longest: int) -> AsyncIterator[Content]:
        """Open a video's content, at the end of `part` if the gateway can continue it.

        Of more than `longest` bytes not all can be read. Raises ContentError.
        """
        async with AsyncExitStack() as stack:
            yield await self._follow(stack, video_id, part, longest)

    async def _follow(
        self, stack: AsyncExitStack, video_id: str, part: Part | None, longest: int
    ) -> Content:
        """Follow redirects from the gateway to the content."""
        url, has_left = download_url(self._rules.base_url, video_id), False
        for _ in range(MOST_REDIRECTS + 1):
            reply = await self._ask(stack, url, part, longest, has_left=has_left)
            if reply.status not in _REDIRECTS:
                return await self._content(reply, part, url, has_left=has_left)
            target = _target(url, reply.headers.get("location", ""))
            has_left = has_left or _origin(target) != _origin(url)
            url = target
            await stack.aclose()
        raise ContentError(f"more than {MOST_REDIRECTS} redirects")

    async def _ask(
        self, stack: AsyncExitStack, url: str, part: Part | None, longest: int, *, has_left: bool
    ) -> StreamedResponse:
        headers = {"accept": "*/*", "user-agent": f"notifier/{__version__}"}
        if part is not None:
            headers |= {"range": f"bytes={part.length}-", "if-range": part.etag}
        client = self._outside if has_left else self._inside
        try:
            if not has_left:
                headers |= self._rules.headers()
            request = HttpRequest("GET", url, headers, LONGEST_EXCHANGE, _FRAMING * longest)
            with trio.fail_after(self._rules.request_timeout):
                return await stack.enter_async_context(client.stream(request))
        except trio.TooSlowError:
            raise ContentError("no answer in time") from None
        except TransportError as error:
            raise ContentError(str(error)) from None
        except ValueError as error:
            raise ContentError(str(error)) from None

    async def _content(
        self, reply: StreamedResponse, part: Part | None, url: str, *, has_left: bool
    ) -> Content:
        headers, status = reply.headers, reply.status
        if status == _PARTIAL and part is not None:
            offset, total = _continued(headers, part)
        elif status == _OK:
            offset, total = 0, _length(headers)
        else:
            raise await self._refusal(reply, part, url, has_left=has_left)
        coding = headers.get("content-encoding", "identity").strip().lower()
        if coding not in {"", "identity"}:
            raise ContentError("it is compressed, although that was not asked for")
        kind = headers.get("content-type", "")
        etag = headers.get("etag", "")
        strong = etag if _STRONG_TAG.fullmatch(etag) else None
        return Content(reply, offset, total, kind, strong, self._rules.request_timeout)

    async def _refusal(
        self, reply: StreamedResponse, part: Part | None, url: str, *, has_left: bool
    ) -> ContentError:
        """Return what an answer without content says; texts of other hosts are not kept."""
        status, said = reply.status, ""
        who = urlsplit(url).hostname if has_left else "the gateway"
        if not has_left and status >= 400:  # noqa: PLR2004 - an error
            said = excerpt(reply.headers, await self._said(reply), self._rules.echoes.clean)
        wait = parse_retry_after(reply.headers.get("retry-after", ""), self._wall())
        reason = f"{who} answered {status}" + (f": {said}" if said else "")
        starts_over = part is not None and status in {_NO_RANGE, _PARTIAL}
        return ContentError(reason, wait=wait, starts_over=starts_over)

    async def _said(self, reply: StreamedResponse) -> bytes:
        said = b""
        try:
            with trio.fail_after(self._rules.request_timeout):
                while len(said) < _MOST_SAID and (piece := await reply.read()):
                    said += piece
        except (TransportError, trio.TooSlowError):
            pass  # the status alone says enough
        return said


def _continued(headers: Mapping[str, str], part: Part) -> tuple[int, int | None]:
    """Return where a partial answer begins, and the whole length; raises ContentError."""
    found = _RANGE.fullmatch(headers.get("content-range", "").strip())
    etag = headers.get("etag", part.etag)
    if found is None or int(found[1]) != part.length or etag != part.etag:
        raise ContentError("it continues another content", starts_over=True)
    total = None if found[3] == "*" else int(found[3])
    if total is None or int(found[2]) != total - 1:
        raise ContentError("it continues only for a part", starts_over=True)
    return part.length, total


def _length(headers: Mapping[str, str]) -> int | None:
    """Return the whole length, None for chunks; raises ContentError if a cut would not show."""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return None
    length = headers.get("content-length", "").split(",")[0].strip()
    if not _LENGTH.fullmatch(length):
        raise ContentError("its length is not stated, so that a cut would not show")
    return int(length)


def _target(url: str, location: str) -> str:
    """Return where a redirect from `url` leads; raises ContentError for where nobody should go."""
    try:
        target = urldefrag(urljoin(url, location.strip())).url
        parts = urlsplit(target)
        scheme, host, _ = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, target = "", None, ""
    if not location.strip() or scheme not in _PORTS or not host:
        raise ContentError("a redirect without a usable Location")
    if urlsplit(url).scheme == "https" and scheme == "http":
        raise ContentError(f"redirects from https to {shown_location(target)}")
    return target


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
