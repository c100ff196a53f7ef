"""Reads an answer that is passed on as it arrives, with httptools (llhttp)."""

from typing import NamedTuple

import httptools

from notifier.errors import TransportError

_FINAL = 200

RawHeaders = list[tuple[bytes, bytes]]


class StreamedHead(NamedTuple):
    """The head of an answer; `headers` are in their order, names as they came."""

    status: int
    headers: RawHeaders


class AnswerReader:
    """The part of an answer that has arrived; httptools calls the `on_` methods."""

    def __init__(self, *, bodiless: bool) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._bodiless = bodiless
        self._headers: RawHeaders = []
        self.head: StreamedHead | None = None
        self.received: list[bytes] = []
        self.complete = False
        self.keeps_alive = False

    def feed(self, data: bytes) -> None:
        """Parse what has arrived; raises TransportError."""
        if self.complete:
            self.keeps_alive = False  # more than the answer belongs to no request
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise TransportError("protocol", "it wants to speak another protocol") from None
        except httptools.HttpParserError as error:
            self.keeps_alive = False
            if not self.complete:
                raise TransportError("protocol", f"not HTTP/1.1: {type(error).__name__}") from None

    @property
    def ends_with_connection(self) -> bool:
        """Whether the body ends where the connection ends, for lack of any framing."""
        if self.head is None:
            return False
        given = {name.lower(): value.lower() for name, value in self.head.headers}
        chunked = given.get(b"transfer-encoding", b"").endswith(b"chunked")
        return not chunked and b"content-length" not in given

    def on_message_begin(self) -> None:
        """Begin an answer, provisional or final."""
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        if self.head is None:  # else a trailer
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the end of a head; a provisional one is dropped."""
        status = self._parser.get_status_code()
        if status >= _FINAL and self.head is None:
            self.head = StreamedHead(status, self._headers)
            self.keeps_alive = self._parser.should_keep_alive()
            self.complete = self._bodiless

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if not self.complete:
            self.received.append(body)

    def on_message_complete(self) -> None:
        """Take the end of an answer."""
        if self.head is not None:
            self.complete = True
