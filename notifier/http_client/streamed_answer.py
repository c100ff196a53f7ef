"""Reads an answer that is passed on as it arrives."""

from typing import NamedTuple

from notifier.errors import TransportError
from notifier.http_client.lenient_reader import LenientReader
from notifier.http_client.strict_reader import OffSyntax, StrictReader

RawHeaders = list[tuple[bytes, bytes]]

_CODINGS = frozenset({b"", b"identity", b"chunked"})


class StreamedHead(NamedTuple):
    """The head of an answer; `headers` are in their order, names as they came."""

    status: int
    headers: RawHeaders


class AnswerReader:
    """The part of one answer that has arrived.

    An answer whose head breaks HTTP/1.1's rules is read leniently: it may have cost money, and
    most clients would have read it. What was handed on is never read again, so that a body with
    chunks off the rules breaks off.
    """

    def __init__(self, *, bodiless: bool) -> None:
        """`bodiless` says that the request was a HEAD: no body follows, whatever the head says."""
        self._reader: StrictReader | LenientReader = StrictReader()
        self._bodiless = bodiless
        self._arrived = b""
        """Every byte, until the head is whole."""
        self.head: StreamedHead | None = None

    def feed(self, data: bytes) -> None:
        """Parse what has arrived; raises TransportError."""
        if self.head is None:
            self._arrived += data
        try:
            self._reader.feed(data)
        except OffSyntax:
            if self.head is not None:
                raise TransportError("protocol", "not HTTP/1.1: bad chunks") from None
            self._reader = LenientReader()
            self._reader.feed(self._arrived)
        if self.head is None and self._reader.has_head:
            self._take_head()
        if self._reader.problem:
            raise TransportError("protocol", f"not HTTP/1.1: {self._reader.problem}")

    def _take_head(self) -> None:
        self.head = StreamedHead(self._reader.status, self._reader.headers)
        self._arrived = b""
        codings = [value for name, value in self.head.headers if _is_coding(name)]
        if b", ".join(codings).strip().lower() not in _CODINGS:
            raise TransportError("protocol", "its transfer-encoding is not known")

    @property
    def has_news(self) -> bool:
        """Whether there is a piece to `take`, or the end."""
        return bool(self._reader.received) or self.complete

    @property
    def complete(self) -> bool:
        """Whether the answer has arrived whole."""
        return self._reader.complete or (self._bodiless and self.head is not None)

    @property
    def keeps_alive(self) -> bool:
        """Whether the connection may be used for another request, once this is complete."""
        reader = self._reader
        return reader.complete and reader.keeps_alive and not reader.surplus

    @property
    def ends_with_connection(self) -> bool:
        """Whether the body ends where the connection ends, for lack of any framing."""
        return self._reader.ends_with_connection

    def take(self) -> bytes:
        """Return the part of the body that arrived since the last call."""
        received, self._reader.received = self._reader.received, []
        if self._bodiless:
            return b""
        return received[0] if len(received) == 1 else b"".join(received)


def _is_coding(name: bytes) -> bool:
    return name.lower() == b"transfer-encoding"
