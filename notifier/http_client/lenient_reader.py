"""Reads an answer that strict HTTP/1.1 refuses and browsers accept: the last on its connection.

Small servers end lines with a bare LF, fold headers, send a length twice or beside chunks. What
such an answer says is clear; where it ends is not always, so that its connection is never used
again. A body whose framing has two readings is not read at all (`problem`). Nothing is accepted
in front of the status line but empty lines (RFC 9112, 2.2): what is not HTTP stays an error.
"""

import re
from collections.abc import Sequence

from notifier.errors import TransportError

Headers = list[tuple[bytes, bytes]]

_NOT_HTTP = "not HTTP/1.1: it does not begin with a status line"
_BEGINNING = b"HTTP/"
_LINE_END = re.compile(rb"\r{0,2}\n")  # two returns: a program in Windows' text mode
_END_OF_HEAD = re.compile(rb"\n\r{0,2}\n")
_STATUS_LINE = re.compile(
    rb"HTTP/[1-9](?:\.[0-9])?[ \t]+([1-9][0-9]{2})(?:[ \t].*)?", re.IGNORECASE | re.DOTALL
)
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,12})[ \t]*(?:;.*)?", re.DOTALL)
_SIZE_BEGINS = re.compile(rb"[ \t]*[0-9A-Fa-f]{0,12}[ \t]*(?:[;\r].*)?", re.DOTALL)
_NO_BODY = frozenset({204, 304})
_LONGEST_SIZE = 1024
"""Most bytes of a line with a chunk's size; it is searched anew with every piece that arrives."""
_LONGEST_END = 3
"""How many bytes at the end of what was searched may belong to the end of a head."""


class LenientReader:
    """The part of one answer that was read so far; `feed` takes it from its first byte."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.received: list[bytes] = []
        self.complete = False
        self.problem = ""
        """Why the body cannot be read."""
        self.ends_with_connection = False
        self.keeps_alive = False
        self.surplus = False
        self._buffer = bytearray()
        self._searched = 0
        """So many bytes of the buffer hold no end of a head."""
        self._chunked = False
        self._after_chunk = False
        self._left = 0
        """The bytes that are missing of the body, or of the present chunk and its line end."""

    @property
    def has_head(self) -> bool:
        """Whether status and headers of the final answer were read."""
        return self.status != 0

    def feed(self, data: bytes) -> None:
        """Read the bytes that arrived; raises TransportError for what is not HTTP."""
        self._buffer += data
        while not self.has_head and self._read_head():
            pass
        if self.has_head and not self.complete and not self.problem:
            self._read_body()

    def _read_head(self) -> bool:
        """Read one head, if it is complete; return whether another one may follow at once."""
        while self._buffer.startswith((b"\r", b"\n")):
            del self._buffer[:1]
        end = _END_OF_HEAD.search(self._buffer, self._searched)
        if end is None:
            self._searched = max(0, len(self._buffer) - _LONGEST_END)
            self._check_beginning()
            return False
        first, *lines = _LINE_END.split(bytes(self._buffer[: end.start() + 1]))[:-1]
        del self._buffer[: end.end()]
        self._searched = 0
        found = _STATUS_LINE.fullmatch(first)
        if found is None:
            raise TransportError("protocol", _NOT_HTTP)
        status = int(found[1])
        if status == 101:  # noqa: PLR2004 - RFC 9110: switching protocols
            raise TransportError("protocol", "it wants to speak another protocol")
        if status < 200:  # noqa: PLR2004 - RFC 9110: 1xx are provisional
            return True
        self.status, self.headers = status, _headers(lines)
        self._find_framing()
        return False

    def _check_beginning(self) -> None:
        """Raise TransportError early for what will not become a status line."""
        beginning = bytes(self._buffer[: len(_BEGINNING)]).upper()
        if not _BEGINNING.startswith(beginning):
            raise TransportError("protocol", _NOT_HTTP)

    def _find_framing(self) -> None:
        """Decide how the body ends (RFC 9112, 6.3), or say why that is not clear."""
        coding = b", ".join(_values(self.headers, b"transfer-encoding")).lower()
        lengths = {
            length.strip()
            for value in _values(self.headers, b"content-length")
            for length in value.split(b",")
        }
        length = min(lengths, default=b"")
        if self.status in _NO_BODY:
            self.complete = True
        elif coding == b"chunked":
            self._chunked = True
        elif coding not in {b"", b"identity"}:
            self.problem = "its transfer-encoding is not known"
        elif len(lengths) > 1:
            self.problem = "its content-length headers differ"
        elif _LENGTH.fullmatch(length):
            self._left = int(length)
        elif lengths:
            self.problem = "its content-length is not a number"
        else:
            self.ends_with_connection = True

    def _read_body(self) -> None:
        if self._chunked:
            while not self.complete and not self.problem and self._read_chunk():
                pass
        elif self.ends_with_connection:
            self._take(len(self._buffer))
        else:
            self._take(self._left)
            self.complete = self._left == 0

    def _read_chunk(self) -> bool:
        """Read what has arrived of a chunk; return whether something else may follow it."""
        if self._left:
            self._take(self._left)
            self._after_chunk = self._left == 0
            return self._after_chunk
        if self._after_chunk and not self._skip_line_end():
            return False
        end = self._buffer.find(b"\n")
        if end < 0:
            unclear = self._buffer and not _SIZE_BEGINS.fullmatch(self._buffer)
            if unclear or len(self._buffer) > _LONGEST_SIZE:
                self.problem = "its chunks cannot be read"
            return False
        found = _CHUNK_SIZE.fullmatch(self._buffer[:end].rstrip(b"\r"))
        if found is None or end > _LONGEST_SIZE:
            self.problem = "its chunks cannot be read"
            return False
        del self._buffer[: end + 1]
        self._left = int(found[1], 16)
        # trailers may follow the last chunk; nobody needs them
        self.complete = self._left == 0
        return True

    def _skip_line_end(self) -> bool:
        """Skip the line end after a chunk; return whether it was there."""
        if len(self._buffer) < _LONGEST_END and not self._buffer.strip(b"\r"):
            return False
        end = _LINE_END.match(self._buffer)
        if end is None:
            self.problem = "its chunks cannot be read"
            return False
        del self._buffer[: end.end()]
        self._after_chunk = False
        return True

    def _take(self, most: int) -> None:
        if taken := bytes(self._buffer[:most]):
            del self._buffer[:most]
            self.received.append(taken)
            self._left = max(0, self._left - len(taken))


def _headers(lines: Sequence[bytes]) -> Headers:
    """Return the headers; folded lines are joined, and what is no header is left out."""
    joined: list[bytes] = []
    for line in lines:
        if line[:1] in {b" ", b"\t"} and joined:
            joined[-1] += b" " + line.strip()
        else:
            joined.append(line)
    pairs = [line.partition(b":") for line in joined]
    named = [(name.rstrip(b" \t"), value.strip(b" \t")) for name, _, value in pairs]
    return [(name, value) for name, value in named if _NAME.fullmatch(name)]


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for found, value in headers if found.lower() == name]
