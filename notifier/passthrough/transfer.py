"""Passes one request on to a gateway and its answer back, both at the same time.

Nothing is kept but the piece that is under way, so the slower side sets the pace. A silence of
five minutes ends a direction; the whole may take as long as it takes.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeVar

import trio
from starlette.types import Receive, Send

from notifier.background import running
from notifier.errors import TransportError
from notifier.http_client.streamed_answer import StreamedHead
from notifier.http_client.streaming import Exchange
from notifier.http_server.client_stream import ClientStream
from notifier.http_server.request_checks import discard, drain
from notifier.passthrough.deps import Outcome, Upstream
from notifier.passthrough.headers import RawHeaders, content_length, for_caller, is_json
from notifier.passthrough.job_spotting import MAX_ANSWER
from notifier.passthrough.targets import RefusedError

SILENCE = 300.0
"""How long a direction may be without a byte, in seconds."""

_STALLED = "the body did not come"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as the gateway gets it.

    `prefix` is the part of the body that was read already; `more_body` says whether the caller
    sends more. `chunked` is how the body is framed. `reads_answer` says whether a JSON answer is
    read before it is handed on.
    """

    method: str
    head: bytes
    prefix: bytes
    more_body: bool
    chunked: bool
    reads_answer: bool


WholeAnswer = Callable[[int, RawHeaders, bytes], Awaitable[Mapping[str, str]]]
"""Called with a JSON answer that was read whole; returns headers to add to it."""


class Transfer:
    """One request and its answer; `run` it once."""

    def __init__(
        self,
        outgoing: Outgoing,
        upstream: Upstream,
        receive: Receive,
        send: Send,
        client: ClientStream,
    ) -> None:
        self._outgoing = outgoing
        self.upstream = upstream
        self._receive = receive
        self._send = send
        self._client = client
        self._opened = trio.Event()
        self._exchange: Exchange | None = None
        self._scope = trio.CancelScope()
        self._uploading = trio.CancelScope()
        self._uploaded = trio.Event()
        self._moved = trio.current_time()
        self._body_read = not outgoing.more_body
        self._sent = False
        self._refused = False
        self._undecided = outgoing.method == "POST"
        self._gone = False
        self._stalled = False
        self._answered = False
        self._awaits_caller = False
        self.over = trio.Event()

    @property
    def must_finish(self) -> bool:
        """Whether the gateway has the whole of a POST, and may answer with a job."""
        return self._sent and self._undecided

    @property
    def outcome(self) -> Outcome:
        """What has come of it, once it is over."""
        if self._answered:
            return "answered"
        if self._gone and not self._stalled:
            return "caller_left"
        return "cut_short" if self._client.unfinished else "failed"

    async def run(self, whole: WholeAnswer, other: Mapping[str, str]) -> None:
        """Pass everything on; `other` are headers to add to an answer that is not read.

        Raises RefusedError while there is nothing of an answer, TransportError afterwards.
        """
        failure: Exception | None = None
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._upload)
                    try:
                        await self._converse(whole, other)
                    except (RefusedError, TransportError) as error:
                        failure = error
                    nursery.cancel_scope.cancel()
        finally:
            self.over.set()
            if self._exchange is not None:
                self._exchange.close()
        if self._stalled and not self._client.unfinished:
            raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, _STALLED)
        if failure is not None and not self._gone:
            raise failure

    async def _converse(self, whole: WholeAnswer, other: Mapping[str, str]) -> None:
        outgoing, upstream = self._outgoing, self.upstream
        has_body = outgoing.more_body or bool(outgoing.prefix)
        try:
            exchange = self._exchange = await upstream.client.open(
                outgoing.method,
                upstream.origin,
                outgoing.head + self._framed(outgoing.prefix, last=not outgoing.more_body),
                upstream.request_timeout,
                has_body=has_body,
            )
            self._moved = trio.current_time()
            if not outgoing.more_body:
                self._body_was_sent(exchange)
            self._opened.set()
            head = await self._unless_silent(exchange.head)
            if outgoing.reads_answer and _may_be_read(head):
                body, complete = await self._collect(exchange)
            else:
                body, complete = b"", False
        except TransportError as error:
            if error.kind == "timeout":
                raise RefusedError(HTTPStatus.GATEWAY_TIMEOUT, _sentence(error)) from None
            raise RefusedError(HTTPStatus.BAD_GATEWAY, _sentence(error)) from None
        headers = for_caller(head.headers)
        added = await whole(head.status, headers, body) if complete else other
        self._undecided = False
        if not self._gone:
            await self._answer(exchange, head, headers, added, body, complete=complete)

    async def _answer(
        self,
        exchange: Exchange,
        head: StreamedHead,
        headers: RawHeaders,
        added: Mapping[str, str],
        body: bytes,
        *,
        complete: bool,
    ) -> None:
        extra = [(name.encode(), value.encode("latin-1")) for name, value in added.items()]
        self._client.unfinished = True
        if complete and body:
            self._client.hold()  # one packet for head and body
        await self._send(
            {"type": "http.response.start", "status": head.status, "headers": headers + extra}
        )
        piece = body
        while piece or not complete:
            if piece:
                await self._send({"type": "http.response.body", "body": piece, "more_body": True})
                self._moved = trio.current_time()  # a caller that reads slowly is no silence
            piece = b"" if complete else await self._unless_silent(exchange.read)
            complete = not piece
        # with the end of the answer, the caller may go away
        self._uploading.cancel()
        if not self._body_read:
            await self._uploaded.wait()  # the end of the body may be on its way to it
        if not self._body_read:
            await drain(self._receive)  # most callers read no end of an answer before
        await self._end_answer()

    async def _end_answer(self) -> None:
        self._client.unfinished = False  # the connection may end with the answer
        self._answered = True
        last = {"type": "http.response.body", "body": b""}
        if self._body_read:
            await self._send(last)
        else:
            async with running(partial(discard, self._receive)):
                await self._send(last)

    async def _collect(self, exchange: Exchange) -> tuple[bytes, bool]:
        """Return the answer's body, or a first part of it if it is too large to be read."""
        pieces: list[bytes] = []
        length = 0
        while length <= MAX_ANSWER:
            piece = await self._unless_silent(exchange.read)
            if not piece:
                return b"".join(pieces), True
            pieces.append(piece)
            length += len(piece)
        return b"".join(pieces), False

    async def _unless_silent(self, read: Callable[[], Awaitable[T]]) -> T:
        """Return what `read` does; raises TransportError after five minutes without a byte."""
        while trio.current_time() < self._moved + SILENCE:
            with trio.move_on_at(self._moved + SILENCE):
                result = await read()
                self._moved = trio.current_time()
                return result
        if self._awaits_caller and not self._client.unfinished:
            raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, _STALLED)
        raise TransportError("timeout", f"no byte for {SILENCE:g} seconds")

    async def _upload(self) -> None:
        """Pass the caller's body on, then wait for the caller to go away."""
        try:
            await self._upload_all()
        finally:
            self._uploaded.set()

    async def _upload_all(self) -> None:
        with self._uploading:
            while not self._body_read:
                message = None
                self._awaits_caller = True
                with trio.move_on_after(SILENCE):
                    message = await self._receive()
                self._awaits_caller = False
                if message is None or message["type"] == "http.disconnect":
                    self._stalled = message is None
                    self._leave()
                    return
                # before any wait: the answer's end may cancel this, and nothing comes after it
                self._body_read = not message.get("more_body", False)
                await self._opened.wait()
                await self._pass_on(message.get("body", b""), last=self._body_read)
            while (await self._receive())["type"] != "http.disconnect":
                pass
            self._leave()

    def _leave(self) -> None:
        """End the exchange, as the caller has gone, unless a job may come of it."""
        self._gone = True
        if not self.must_finish:
            self._scope.cancel()

    async def _pass_on(self, piece: bytes, *, last: bool) -> None:
        exchange = self._exchange
        assert exchange is not None  # noqa: S101 - it was opened
        if self._refused:
            return
        data = self._framed(piece, last=last)
        try:
            with trio.fail_after(SILENCE):
                await exchange.send(data)
        except (TransportError, trio.TooSlowError):
            # it may have answered before it had read everything: the answer is passed on;
            # a part of the piece was sent, so that the next one would leave a hole in the body
            self._refused = True
            return
        self._moved = trio.current_time()
        if last:
            self._body_was_sent(exchange)

    def _body_was_sent(self, exchange: Exchange) -> None:
        exchange.all_sent()
        self._sent = True

    def _framed(self, piece: bytes, *, last: bool) -> bytes:
        if not self._outgoing.chunked:
            return piece
        framed = b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b""
        return framed + b"0\r\n\r\n" if last else framed


def _may_be_read(head: StreamedHead) -> bool:
    length = content_length(head.headers)
    return is_json(head.headers) and (length is None or length <= MAX_ANSWER)


def _sentence(error: TransportError) -> str:
    return f"the gateway did not answer: {error.detail}"
