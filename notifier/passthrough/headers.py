"""Decides which headers are passed on: all but those of one connection, and ours."""

import re
from collections.abc import Iterable, Mapping

RawHeaders = list[tuple[bytes, bytes]]

_OURS = b"notifier-"
_HOP_BY_HOP = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate"),
        *(b"proxy-authorization", b"te", b"trailer", b"trailers", b"transfer-encoding"),
        *(b"upgrade", b"http2-settings"),
    }
)
"""RFC 9110, section 7.6.1, and what older software sends."""

_REQUEST_ALONE = frozenset({b"host", b"content-length", b"expect"})
"""Made anew: Host is the gateway's, the framing our own, and `100 Continue` was sent already."""

_UNSENDABLE = re.compile(rb"[\x00\n\v\f\r]")
"""What no header's value may have; some gateways send it nevertheless."""

_DECODABLE = frozenset({"gzip", "x-gzip", "deflate", "identity"})


def first(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the first value of a header with a lower-case `name`, None without one."""
    return next((value for each, value in headers if each.lower() == name), None)


def all_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Return every value of a header with a lower-case `name`."""
    return [value for each, value in headers if each.lower() == name]


def for_gateway(
    received: RawHeaders,
    *,
    is_read: bool,
    replaced: Mapping[str, str],
    removed: frozenset[str],
) -> RawHeaders:
    """Return the caller's headers as the gateway gets them, without Host and framing.

    Those in `replaced` take the place of the caller's, those in `removed` are left out; both have
    lower-case names. If the answer `is_read`, codings that cannot be read here are not offered.
    """
    dropped = {name.encode("latin-1") for name in (*replaced, *removed)}
    dropped |= _HOP_BY_HOP | _REQUEST_ALONE | _named_in_connection(received)
    kept = [
        (name, _readable(value) if is_read and name.lower() == b"accept-encoding" else value)
        for name, value in received
        if name.lower() not in dropped and not _is_ours(name)
    ]
    return kept + [(name.encode(), value.encode("latin-1")) for name, value in replaced.items()]


def for_caller(received: RawHeaders) -> RawHeaders:
    """Return the gateway's headers as the caller gets them."""
    dropped = _HOP_BY_HOP | _named_in_connection(received)
    if first(received, b"transfer-encoding") is not None:
        dropped |= {b"content-length"}
    return [
        (name.lower(), value)
        for name, value in received
        if name.lower() not in dropped and not _is_ours(name) and not _UNSENDABLE.search(value)
    ]


def is_json(headers: RawHeaders) -> bool:
    """Return whether a message says that its body is JSON."""
    kind = (first(headers, b"content-type") or b"").partition(b";")[0].strip().lower()
    return kind == b"application/json" or (
        kind.startswith(b"application/") and kind.endswith(b"+json")
    )


def content_length(headers: RawHeaders) -> int | None:
    """Return the length that a message says, None without a valid one."""
    text = first(headers, b"content-length")
    return int(text[:20]) if text is not None and text.isdigit() else None


def _is_ours(name: bytes) -> bool:
    # to some gateways an underscore is the same as a hyphen
    return name.lower().replace(b"_", b"-").startswith(_OURS)


def _named_in_connection(headers: RawHeaders) -> frozenset[bytes]:
    values = all_of(headers, b"connection")
    return frozenset(
        name for value in values for part in value.split(b",") if (name := part.strip().lower())
    )


def _readable(value: bytes) -> bytes:
    offered = [each.strip() for each in value.decode("latin-1").split(",")]
    kept = [each for each in offered if each.partition(";")[0].strip().lower() in _DECODABLE]
    return (", ".join(kept) or "identity").encode("latin-1")
