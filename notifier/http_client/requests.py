"""`HttpRequest`, what is asked of the client, and the httpx request made from it.

Parsing a URL and preparing a request take httpx ten times longer than this module needs. Nearly
all requests to one peer differ in their path alone. So the part before the path is parsed once
and cached, and the path is passed as the extension `target`, which httpx's own transports know
as well. A path with anything unusual in it is parsed by httpx. Headers that were sent lately are
not encoded again.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import httpx

from notifier.errors import TransportError
from notifier.net import Admission

DEADLINE = "notifier.deadline"
"""The request extension that holds the seconds for the whole exchange."""

WIRE_BYTES = "notifier.wire_bytes"
"""The request extension that holds how many bytes the answer may take on the wire."""

OFF_SYNTAX = "notifier.off_syntax"
"""The response extension that says whether the answer breaks HTTP/1.1's rules."""

WANTS_BODY = "notifier.wants_body"
"""The request extension that says whether an answer without all of its body is none."""

STREAMED = "notifier.streamed"
"""The request extension that says whether the body is read as it arrives, without a deadline."""

ADMISSION = "notifier.admission"
"""The request extension that holds the `Admission` of a new connection, or None."""

ORIGIN = "notifier.origin"
"""The request extension that holds the `Origin` to connect to."""

HEADERS = "notifier.headers"
"""The request extension that holds the headers as they go over the wire."""

FRAMING = 128 * 1024
"""How many bytes the head and the framing of a body may take."""

_PORTS = {"http": 80, "https": 443}
_NOTHING = httpx.ByteStream(b"")
# what httpx would send as it stands; dots may be segments that it resolves
_USUAL = re.compile(
    r"(https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)"
    r"((?:/(?!\.)(?:[A-Za-z0-9._~!$&()*+,;=:@-]|%[0-9A-Fa-f]{2})*)+(?:\?[A-Za-z0-9._~=&%-]*)?)"
)


class HttpRequest(NamedTuple):
    """One request and its limits.

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


class _Prepared(NamedTuple):
    headers: httpx.Headers
    encoded: bytes


def build_request(request: HttpRequest) -> httpx.Request:
    """Return the httpx request that our transports send without further preparation.

    Raises httpx.InvalidURL, UnicodeError or TransportError for what cannot be sent.
    """
    method, url, headers, deadline, max_body, body, wants_body, admission = request
    usual = _USUAL.fullmatch(url)
    address = read_address(url) if usual is None else _usual_address(usual[1])
    target = address.url.raw_path if usual is None else usual[2].encode("ascii")
    if body is None:
        prepared = _prepared_again(address.host, None, *headers.items())
    else:
        # signed anew for every attempt, so that caching would never hit
        prepared = _prepared(address.host, len(body), *headers.items())
    return httpx.Request(
        method,
        address.url,
        headers=prepared.headers,
        stream=_NOTHING if body is None else httpx.ByteStream(body),
        extensions={
            "target": target,
            ORIGIN: address.origin,
            DEADLINE: deadline,
            WIRE_BYTES: max_body + FRAMING,
            WANTS_BODY: wants_body,
            ADMISSION: admission,
            HEADERS: prepared.encoded,
        },
    )


def encode_request(request: HttpRequest) -> tuple[Origin, bytes]:
    """Return where to send a request without a body, and its bytes; raises as `build_request`."""
    usual = _USUAL.fullmatch(request.url)
    if usual is None:
        address = read_address(request.url)
        target = address.url.raw_path
    else:
        address = _usual_address(usual[1])
        target = usual[2].encode("ascii")
    prepared = _prepared_again(address.host, None, *request.headers.items())
    return address.origin, encoded(request.method, target, prepared.encoded)


def encoded(method: str, target: bytes, headers: bytes) -> bytes:
    """Return the head of a request; raises TransportError for a line break in the target."""
    if b"\r" in target or b"\n" in target or b"\x00" in target:
        raise TransportError("bad_request", "a line break in the URL")
    return b"%s %s HTTP/1.1\r\n%s\r\n" % (method.encode("ascii"), target, headers)


def read_address(url: str) -> Address:
    """Parse a URL; raises TransportError, and httpx.InvalidURL for what is none."""
    parsed = httpx.URL(url)
    if parsed.scheme not in _PORTS or not parsed.host:
        raise TransportError("bad_request", "not an http or https URL")
    port = parsed.port or _PORTS[parsed.scheme]
    origin = Origin(parsed.scheme, parsed.raw_host.decode("ascii"), port)
    return Address(parsed, parsed.netloc.decode("ascii"), origin)


_usual_address = lru_cache(maxsize=1024)(read_address)


def _prepared(host: str, length: int | None, *headers: tuple[str, str]) -> _Prepared:
    sent = {"host": host, "accept-encoding": "identity"}
    sent.update((name.lower(), value) for name, value in headers)
    if length is not None:
        sent["content-length"] = str(length)
    text = "".join([f"{name}: {value}\r\n" for name, value in sent.items()])
    if text.count("\n") != len(sent) or text.count("\r") != len(sent):
        raise TransportError("bad_request", "a line break in a header")
    if "\x00" in text:
        raise TransportError("bad_request", "a NUL in a header")
    return _Prepared(httpx.Headers(sent), text.encode("latin-1"))


_prepared_again = lru_cache(maxsize=64)(_prepared)
