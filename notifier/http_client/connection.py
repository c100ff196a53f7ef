"""One HTTP/1.1 connection: sends a request, reads its answer, knows whether it is reusable.

llhttp, through httptools, does the parsing; this module feeds it and enforces limits. An answer
that llhttp refuses is read again from its first byte by a `LenientReader`, and is the last one.
Provisional answers (1xx) are skipped. Chunks may be of any size, but every byte that arrives
counts towards the limit, framing included, because each of them costs time. Reads are small,
because no other task runs while a piece is parsed. Closing never waits: no TLS goodbye is sent,
so that a cancelled task releases its connection at once.
"""

from collections.abc import Callable
from http import HTTPStatus

import trio

from notifier.errors import TransportError
from notifier.http_client.explained import explained
from notifier.http_client.lenient_reader import Headers, LenientReader
from notifier.http_client.reactor import Reactor
from notifier.http_client.requests import Origin
from notifier.http_client.strict_reader import OffSyntax, StrictReader
from notifier.net import TcpStream, TlsStream

MAX_HEAD = 64 * 1024
"""Most bytes of status line and headers that are read, provisional answers included."""

MOST_KEPT = 2 * 1024 * 1024
"""So many bytes of an answer are kept to be read again leniently; a longer one is streamed."""

_PIECE = 8 * 1024
_MOST_AT_ONCE = 64 * 1024
"""So many bytes of an answer are read without a task before others are served."""


class Connection:
    """A connection to `origin`, used for one exchange at a time.

    No exchange begins after `ends_at` (trio's clock).
    """

    def __init__(self, origin: Origin, stream: TcpStream | TlsStream, ends_at: float) -> None:
        self.origin = origin
        self.ends_at = ends_at
        self._stream = stream
        self._strict = StrictReader()
        self._answer: StrictReader | LenientReader = self._strict
        self._arrived: list[bytes] = []
        """Every byte of the answer, for as long as it may have to be read again."""
        self._kept = 0
        """How many bytes `_arrived` holds, or held when they became too many."""
        self._taken = 0
        self._reusable = False
        self._expired = False
        self._left = self._most = 0
        self._reactor: Reactor | None = None
        self._on_arrival: Callable[[], None] | None = None

    @property
    def has_received(self) -> bool:
        """Whether any byte of an answer to the last request has arrived."""
        return self._left < self._most

    @property
    def reusable(self) -> bool:
        """Whether the exchange is over and another may follow."""
        return self._reusable

    def is_stale(self) -> bool:
        """Tell whether the server closed this idle connection, or sent something unasked."""
        return self._stream.has_unread()

    async def send(self, request: bytes, most: int) -> tuple[int, Headers]:
        """Send `request` and return the answer's status and headers; raises TransportError.

        The whole answer may take up to `most` bytes on the wire, framing included.
        """
        self._begin(most)
        unsent: trio.BrokenResourceError | None = None
        try:
            await self._stream.send_all(request)
        except trio.BrokenResourceError as error:
            # the server may have answered before it had read everything
            unsent = error
        except trio.ClosedResourceError as error:
            self._check_time()
            raise explained("reset", error) from None
        read = 0
        while not self._answer.has_head:
            read += await self._receive(unsent)
            if not self._answer.has_head:
                _check_head(read)
        if unsent is not None and self._answer.status < HTTPStatus.BAD_REQUEST:
            # what was said before all of the request was there cannot be its answer
            raise explained("reset", unsent)
        return self._answer.status, self._answer.headers

    def start(self, request: bytes, most: int) -> bool:
        """Send `request` without waiting; return whether all of it was sent. See `send`."""
        self._begin(most)
        return self._stream.send_now(request)

    def advance(self) -> bool:
        """Read what has arrived without waiting; return whether the answer is whole.

        If more has arrived than may be read at once, the socket stays readable. Raises
        TransportError.
        """
        stream, least = self._stream, self._left - _MOST_AT_ONCE
        while not self._answer.complete:
            receive = stream.receive_now if self._left > least else stream.receive_buffered
            try:
                data = receive(_PIECE)
            except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
                raise explained("reset", error) from None
            if data is None:
                return False
            self._accept(data)
            if not self._answer.has_head:
                _check_head(self._most - self._left)
            elif self._answer.problem:
                raise TransportError("protocol", f"not HTTP/1.1: {self._answer.problem}")
        return True

    def watch(self, reactor: Reactor, arrived: Callable[[], None]) -> None:
        """Have `arrived` called whenever something arrives, until `unwatch`."""
        self._on_arrival = arrived
        if self._reactor is None:
            self._reactor = reactor
            reactor.watch(self._stream.descriptor, self._call)

    def unwatch(self) -> None:
        """Call nothing any more: a task waits for what arrives."""
        reactor, self._reactor, self._on_arrival = self._reactor, None, None
        if reactor is not None:
            reactor.forget(self._stream.descriptor)

    @property
    def status(self) -> int:
        """The answer's status, 0 before it has arrived."""
        return self._answer.status

    @property
    def headers(self) -> Headers:
        """The answer's headers."""
        return self._answer.headers

    @property
    def is_whole(self) -> bool:
        """Whether the whole answer has arrived, so that `read` does not wait."""
        return self._answer.complete

    @property
    def is_off_syntax(self) -> bool:
        """Whether the answer breaks HTTP/1.1's rules, as far as it has arrived."""
        return isinstance(self._answer, LenientReader)

    async def read(self) -> bytes:
        """Return more of the answer's body, still encoded, b"" at its end.

        Raises TransportError.
        """
        while not self._answer.received and not self._answer.complete:
            if self._answer.problem:
                raise TransportError("protocol", f"not HTTP/1.1: {self._answer.problem}")
            await self._receive(None)
        return self.take()

    def take(self) -> bytes:
        """Return the part of the body that arrived since the last call."""
        answer = self._answer
        received, answer.received = answer.received, []
        if answer.complete:
            self._reusable = answer.keeps_alive and not answer.surplus
            self._arrived.clear()
        body = received[0] if len(received) == 1 else b"".join(received)
        self._taken += len(body)
        return body

    def close(self) -> None:
        """Close at once; does nothing when it is closed already."""
        self._reusable = False
        self.unwatch()
        self._stream.close()

    def expire(self) -> None:
        """Close because the deadline has passed; what waits then raises a timeout."""
        self._expired = True
        self.close()

    async def _receive(self, unsent: Exception | None) -> int:
        try:
            data = await self._stream.receive_some(_PIECE)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            self._check_time()
            raise explained("reset", unsent or error) from None
        self._accept(data)
        return len(data)

    def _accept(self, data: bytes) -> None:
        """Parse what arrived, b"" at the end of the connection."""
        self._left -= len(data)
        if self._left < 0:
            raise TransportError("too_large", "the answer goes on and on")
        if data:
            self._feed(data)
        elif self._answer.ends_with_connection:
            self._answer.complete = True
        elif not self._ended_by_last_chunk():
            what = "the answer was cut short" if self._answer.has_head else "no answer"
            raise TransportError("reset", f"{what}: the server closed the connection")

    def _ended_by_last_chunk(self) -> bool:
        """Return whether only the empty line after the last chunk is missing."""
        if self._answer is not self._strict or not self._strict.has_head or not self._arrived:
            return False
        self._read_again()
        return self._answer.complete

    def _call(self) -> None:
        if self._on_arrival is not None:
            self._on_arrival()

    def _begin(self, most: int) -> None:
        """Forget the previous answer; the next one may take up to `most` bytes."""
        self._reusable = False
        self._left = self._most = most
        self._answer = self._strict
        self._strict.begin()
        self._arrived.clear()
        self._taken = self._kept = 0

    def _feed(self, data: bytes) -> None:
        self._keep(data)
        try:
            self._answer.feed(data)
        except OffSyntax:
            if self._kept > MOST_KEPT:
                raise TransportError("protocol", "the body cannot be read to its end") from None
            self._read_again()

    def _keep(self, data: bytes) -> None:
        """Keep what may have to be read again, unless it becomes too much."""
        if self._kept <= MOST_KEPT:
            self._arrived.append(data)
            self._kept += len(data)
            if self._kept > MOST_KEPT:
                self._arrived.clear()

    def _read_again(self) -> None:
        """Read the answer leniently from its first byte; skip what was taken of its body."""
        self._answer = LenientReader()
        self._answer.feed(b"".join(self._arrived))
        body = b"".join(self._answer.received)[self._taken :]
        self._answer.received = [body] if body else []

    def _check_time(self) -> None:
        if self._expired:
            raise TransportError("timeout", "no complete answer in time")


def _check_head(arrived: int) -> None:
    """Raise TransportError when a head that is not complete is too long."""
    if arrived > MAX_HEAD:
        raise TransportError("too_large", f"the headers are over {MAX_HEAD} bytes")
