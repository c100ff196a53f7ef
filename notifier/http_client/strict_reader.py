"""Reads an answer by the rules of HTTP/1.1, with httptools (llhttp)."""

import httptools

from notifier.errors import TransportError
from notifier.http_client.lenient_reader import Headers


class OffSyntax(Exception):  # noqa: N818 - not an error, but a reason to read leniently
    """The strict parser refuses an answer."""


class StrictReader:
    """The part of one answer that was parsed so far; httptools calls the `on_` methods."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.begin()

    def begin(self) -> None:
        """Forget the previous answer."""
        self.status = 0
        self.headers: Headers = []
        self.received: list[bytes] = []
        self.complete = False
        self.surplus = False
        self.keeps_alive = False
        self.problem = ""

    def feed(self, data: bytes) -> None:
        """Parse the bytes that arrived; raises TransportError, and OffSyntax for bad syntax."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise TransportError("protocol", "it wants to speak another protocol") from None
        except httptools.HttpParserError:
            if not self.complete:
                raise OffSyntax from None
            self.surplus = True  # the answer is whole; what follows belongs to no request

    @property
    def has_head(self) -> bool:
        """Whether status and headers of the final answer were read."""
        return self.status != 0

    @property
    def ends_with_connection(self) -> bool:
        """Whether the body ends where the connection ends, for lack of any framing."""
        headers = {name.lower(): value for name, value in self.headers}
        coding = headers.get(b"transfer-encoding", b"").lower()
        framed = b"content-length" in headers or coding.endswith(b"chunked")
        return self.has_head and not framed

    def on_message_begin(self) -> None:
        """Begin an answer."""
        # another answer in the same packet answers no request: none of it may get into this one
        self.surplus = self.complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        # trailers come after the body, and must not replace a header that was acted upon
        if not self.surplus and not self.status:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the end of a head; a provisional one is dropped."""
        if self.surplus:
            return
        status = self._parser.get_status_code()
        if status < 200:  # noqa: PLR2004 - RFC 9110: 1xx are provisional
            self.headers = []
        else:
            self.status = status

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if not self.surplus:
            self.received.append(body)

    def on_message_complete(self) -> None:
        """Take the end of an answer."""
        if self.surplus:
            return
        self.complete = self.has_head
        self.keeps_alive = self._parser.should_keep_alive()
