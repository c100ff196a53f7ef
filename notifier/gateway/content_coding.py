"""Decodes bodies that a gateway compressed although it was asked not to.

A compressed body may grow a thousandfold, so decoding stops at the same bound that holds for the
bytes of the wire.
"""

import zlib
from collections.abc import Mapping, Sequence

from notifier.errors import TransportError

_GZIP = b"\x1f\x8b"
_MOST_CODINGS = 2
_MOST_MEMBERS = 64
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_RAW = -zlib.MAX_WBITS


def decoded_body(headers: Mapping[str, str], body: bytes, longest: int) -> bytes:
    """Return a body without its `Content-Encoding`; gzip is recognised without the header, too.

    An unknown coding is left as it is. Raises TransportError for a body that is damaged or cut
    short (`protocol`), or that has more than `longest` bytes (`too_large`).
    """
    codings = _codings(headers) if "content-encoding" in headers else ()
    for coding in codings[:_MOST_CODINGS]:
        if coding in {"gzip", "x-gzip", "deflate"} and body:
            body = _inflated(body, longest)
    return _inflated(body, longest) if body[:2] == _GZIP else body


def _codings(headers: Mapping[str, str]) -> Sequence[str]:
    """Return the codings that were applied, the last one first."""
    names = headers["content-encoding"].lower().split(",")
    return [name.strip() for name in reversed(names) if name.strip() not in {"", "identity"}]


def _inflated(body: bytes, longest: int) -> bytes:
    try:
        return _all_members(body, longest, _GZIP_OR_ZLIB)
    except zlib.error:
        pass  # some send deflate without zlib's header
    try:
        return _all_members(body, longest, _RAW)
    except zlib.error:
        raise TransportError("protocol", "the compressed body is damaged") from None


def _all_members(body: bytes, longest: int, window: int) -> bytes:
    read = b""
    for _ in range(_MOST_MEMBERS):
        member = zlib.decompressobj(window)
        read += member.decompress(body, longest + 1 - len(read))
        if len(read) > longest:
            raise TransportError("too_large", f"more than {longest} bytes after decompression")
        if not member.eof:
            raise TransportError("protocol", "the compressed body is cut short")
        body = member.unused_data
        if body[:2] != _GZIP:
            break
    return read
