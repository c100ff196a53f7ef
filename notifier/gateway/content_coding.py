"""Decodes bodies that a gateway compressed although it was asked not to, or wrote in no UTF-8.

A compressed body may grow a thousandfold, so decoding stops at the same bound that holds for the
bytes of the wire.
"""

import zlib
from collections.abc import Mapping, Sequence

from notifier.errors import TransportError
from notifier.texts.answer_text import text_of

_GZIP = b"\x1f\x8b"
_MOST_CODINGS = 2
_MOST_MEMBERS = 64
_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_RAW = -zlib.MAX_WBITS
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


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


def utf8_body(headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a body in UTF-8, from the character set that it declares; UTF-16 stays as it is.

    In a body without one, what is not UTF-8 becomes U+FFFD: a status can be read all the same.
    """
    if body.isascii() or body.startswith(_UTF_16):
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        return text_of(headers.get("content-type", "").lower(), body).encode()
    return body


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
