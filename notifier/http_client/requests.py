"""`HttpRequest`, what is asked of the client: as the bytes to be sent, and as a request of httpx.

Parsing a URL and preparing a request take httpx ten times longer than this module needs. Nearly
all requests to one peer differ in their path alone, or in their body and its signature. So the
part before the path is parsed once and cached, and so are the headers that requests have in
common. A path with anything unusual in it is parsed by httpx.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import httpx

from notifier.errors import TransportError
from notifier.net import Admission

DEADLINE = "notifier.deadline"
"""The request extension that holds the seconds for the whole exchange."""

WIRE_BYTES = "notifier.wire_bytes"
"""The request extension that holds how many bytes the answer may take on the wire."""

WANTS_BODY = "notifier.wants_body"
"""The request extension that says whether an answer without all of its body is none."""

STREAMED = "notifier.streamed"
"""The request extension that says whether the body is read as it arrives, without a deadline."""

ADMISSION = "notifier.admission"
"""The request extension that holds the `Admission` of a new connection, or None."""

MESSAGE = "notifier.message"
"""The request extension that holds the `Message`."""

FRAMING = 128 * 1024
"""How many bytes an answer may take on the wire beside its body, for head and framing."""

_PORTS = {"http": 80, "https": 443}
_NOTHING = httpx.ByteStream(b"")
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# what httpx would send as it stands; dots may be segments that it resolves
_USUAL = re.compile(
    r"(https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)"
    r"((?:/(?!\.)(?:[A-Za-z0-9._~!$&()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+(?:\?[A-Za-z0-9._~=&%-]*)?)"
)


class HttpRequest(NamedTuple):
    """One request and its limits.

    `own_headers` are those that no other request has, such as a signature: names in lower case.
    `deadline` is in seconds, for everything from connecting to the last byte. `max_body` is the
    most bytes that are read of the answer's body.

    Unless `wants_body`, the status is what is asked for: of a longer body the first `max_body`
    bytes are returned, and of an answer that breaks HTTP/1.1's rules the head alone. A new
    connection takes what `admission` grants; None grants everything.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    deadline: float
    max_body: int
    body: bytes | None = None
    wants_body: bool = True
    admission: Admission | None = None
    own_headers: Mapping[str, str] = _NO_HEADERS


class Origin(NamedTuple):
    """What a connection is made to."""

    scheme: str
    host: str
    port: int


class Address(NamedTuple):
    """A URL, its Host header and what to connect to."""

    url: httpx.URL
    host: str
    origin: Origin


class Message(NamedTuple):
    """A request as it goes over the wire, and where to.

    One that `is_repeatable` may be sent again when nothing shows that it arrived.
    """

    origin: Origin
    data: bytes
    is_repeatable: bool


class RequestTemplate:
    """Requests without a body that differ in one segment of their path alone.

    The segment stands between `before` and `after` in the URL, and is quoted already. It alone is
    encoded for each request, unless the URL holds what httpx would not send as it stands.
    """

    __slots__ = ("_after", "_around", "_before", "_is_usual", "_like")

    def __init__(self, before: str, after: str, like: HttpRequest) -> None:
        self._before = before
        self._after = after
        self._like = like
        self._is_usual = _USUAL.fullmatch(self.request("x").url) is not None
        self._around: tuple[Origin, bytes, bytes] | None = None

    @property
    def deadline(self) -> float:
        """The seconds for the whole exchange."""
        return self._like.deadline

    @property
    def max_body(self) -> int:
        """The most bytes that are read of the answer's body."""
        return self._like.max_body

    def request(self, segment: str) -> HttpRequest:
        """Return the request for a segment."""
        return self._like._replace(url=f"{self._before}{segment}{self._after}")

    def message(self, segment: str) -> Message:
        """Return the request for a segment as it goes over the wire; raises as `encode` does."""
        if not self._is_usual or segment[:1] == ".":  # httpx resolves dots
            return encode(self.request(segment))
        if self._around is None:
            self._around = self._encoded_around()
        origin, before, after = self._around
        data = b"%s%s%s" % (before, segment.encode("ascii"), after)
        return Message(origin, data, is_repeatable=True)

    def _encoded_around(self) -> tuple[Origin, bytes, bytes]:
        """Return where requests go, and the bytes before and after the segment."""
        message = encode(self.request("x"))
        end = message.data.index(b" HTTP/1.1\r\n") - len(self._after)
        return message.origin, message.data[: end - 1], message.data[end:]


class _Head(NamedTuple):
    """Encoded headers, and their names."""

    encoded: bytes
    names: frozenset[str]


def encode(request: HttpRequest) -> Message:
    """Return what our own transport sends.

    Raises httpx.InvalidURL, UnicodeError or TransportError for what cannot be sent.
    """
    address, target = _located(request.url)
    own = request.own_headers
    head = _head_again(address.host, *request.headers.items())
    if not head.names.isdisjoint(own):
        head, own = _head(address.host, *request.headers.items(), *own.items()), _NO_HEADERS
    more = b"".join([_line(name, value) for name, value in own.items()])
    length = b"" if request.body is None else b"content-length: %d\r\n" % len(request.body)
    method = request.method.encode("ascii")
    data = b"%s %s HTTP/1.1\r\n%s%s%s\r\n%s" % (
        *(method, target, head.encoded, more, length),
        request.body or b"",
    )
    return Message(address.origin, data, request.method == "GET")


def build_request(request: HttpRequest) -> httpx.Request:
    """Return the request for transports of httpx; ours send its `Message`.

    Raises httpx.InvalidURL, UnicodeError or TransportError for what cannot be sent.
    """
    message = encode(request)
    address, target = _located(request.url)
    headers = {**request.headers, **request.own_headers}
    sent = _sent(address.host, *headers.items())
    if request.body is not None:
        sent["content-length"] = str(len(request.body))
    return httpx.Request(
        request.method,
        address.url,
        headers=sent,
        stream=_NOTHING if request.body is None else httpx.ByteStream(request.body),
        extensions={
            "target": target,
            MESSAGE: message,
            DEADLINE: request.deadline,
            WIRE_BYTES: request.max_body + FRAMING,
            WANTS_BODY: request.wants_body,
            ADMISSION: request.admission,
        },
    )


def _located(url: str) -> tuple[Address, bytes]:
    """Return where `url` leads, and what is asked for there."""
    usual = _USUAL.fullmatch(url)
    if usual is not None:
        return _usual_address(usual[1]), usual[2].encode("ascii")
    address = read_address(url)
    target = address.url.raw_path
    if b"\r" in target or b"\n" in target or b"\x00" in target:
        raise TransportError("bad_request", "a line break in the URL")
    return address, target


def read_address(url: str) -> Address:
    """Parse a URL; raises TransportError, and httpx.InvalidURL for what is none."""
    parsed = httpx.URL(url)
    if parsed.scheme not in _PORTS or not parsed.host:
        raise TransportError("bad_request", "not an http or https URL")
    port = parsed.port or _PORTS[parsed.scheme]
    origin = Origin(parsed.scheme, parsed.raw_host.decode("ascii"), port)
    return Address(parsed, parsed.netloc.decode("ascii"), origin)


_usual_address = lru_cache(maxsize=1024)(read_address)


def _sent(host: str, *headers: tuple[str, str]) -> dict[str, str]:
    """Return the headers as they are sent, but for the body's length."""
    sent = {"host": host, "accept-encoding": "identity"}
    sent.update((name.lower(), value) for name, value in headers)
    sent.pop("content-length", None)
    return sent


def _head(host: str, *headers: tuple[str, str]) -> _Head:
    sent = _sent(host, *headers)
    lines = [_line(name, value) for name, value in sent.items()]
    return _Head(b"".join(lines), frozenset(sent))


_head_again = lru_cache(maxsize=256)(_head)


def _line(name: str, value: str) -> bytes:
    line = f"{name}: {value}"
    if "\n" in line or "\r" in line:
        raise TransportError("bad_request", "a line break in a header")
    if "\x00" in line:
        raise TransportError("bad_request", "a NUL in a header")
    return line.encode("latin-1") + b"\r\n"
