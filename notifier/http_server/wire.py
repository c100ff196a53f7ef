"""One client's connection: reads whole requests, sends answers, and can misbehave.

While a handler uses `send` only, h11 enforces the protocol and the connection is used again.
After anything else (`send_raw`, `drip`, `hang`, `reset`) the connection is closed.
"""

import socket
import struct
from http import HTTPStatus

import h11
import trio

from notifier.http_server.messages import Request, Response

MAX_BODY = 10 * 1024 * 1024
"""Largest accepted request body, in bytes."""

_CHUNK = 64 * 1024
_LINGER = 2.0
_LINGER_BYTES = 4 * MAX_BODY
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class RefusedError(Exception):
    """A request that no handler is called for; `status` is the answer to it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Wire:
    """A connection as a handler uses it.

    All methods raise trio.BrokenResourceError when the client has gone away. A handler lets it
    pass; the server then ends the connection.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_CHUNK)
        self._off_protocol = False

    @property
    def reusable(self) -> bool:
        """Whether the exchange is over and another request may follow."""
        states = {self._http.our_state, self._http.their_state}
        return not self._off_protocol and states == {h11.DONE}

    @property
    def unanswered(self) -> bool:
        """Whether a well-formed answer can still be sent."""
        return not self._off_protocol and self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}

    async def receive(self) -> Request | None:
        """Read the next request; None when the client is done with the connection.

        Raises RefusedError for one that is malformed or too large.
        """
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        try:
            head = await self._next_event()
            if not isinstance(head, h11.Request):
                return None
            return Request.from_head(head, await self._body(head))
        except h11.RemoteProtocolError as error:
            raise RefusedError(error.error_status_hint, str(error)) from None

    async def send(self, response: Response) -> None:
        """Send a whole answer."""
        await self._stream.send_all(self._encoded(response))

    async def send_raw(self, data: bytes) -> None:
        """Send bytes that need not be HTTP at all."""
        self._off_protocol = True
        await self._stream.send_all(data)

    async def drip(self, response: Response, seconds_per_byte: float) -> None:
        """Send an answer at once up to its body, and the body byte by byte."""
        encoded = self._encoded(response)
        head = len(encoded) - len(response.body)
        await self.send_raw(encoded[:head])
        for byte in response.body:
            await trio.sleep(seconds_per_byte)
            await self._stream.send_all(bytes([byte]))

    async def hang(self) -> None:
        """Send nothing until the client gives up."""
        self._off_protocol = True
        while await self._stream.receive_some(_CHUNK):
            pass

    async def reset(self) -> None:
        """Drop the connection so that the client sees a reset instead of an end."""
        self._off_protocol = True
        self._stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await trio.aclose_forcefully(self._stream)

    async def finish(self) -> None:
        """End the connection so that a client which is still sending can read the answer.

        Closing with unread bytes in the receive buffer would reset the connection, and the
        client might lose the answer.
        """
        await self._stream.send_eof()
        taken = 0
        with trio.move_on_after(_LINGER):
            while taken < _LINGER_BYTES and (data := await self._stream.receive_some(_CHUNK)):
                taken += len(data)

    def _encoded(self, response: Response) -> bytes:
        headers = {"server": "notifier", **response.headers}
        if response.status not in _BODILESS:
            headers.setdefault("content-length", str(len(response.body)))
        raw = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ]
        head = h11.Response(status_code=response.status, headers=raw)
        events = [head, h11.Data(data=response.body), h11.EndOfMessage()]
        return b"".join(self._http.send(event) or b"" for event in events)

    async def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                await self._stream.send_all(self._http.send(go_on) or b"")
            self._http.receive_data(await self._stream.receive_some(_CHUNK))

    async def _body(self, head: h11.Request) -> bytes:
        # h11 has made sure that these are digits, and at most twenty of them
        declared = int(dict(head.headers).get(b"content-length", b"0"))
        body = bytearray()
        too_large = declared > MAX_BODY
        while not too_large:
            event = await self._next_event()
            if not isinstance(event, h11.Data):
                return bytes(body)
            body += event.data
            too_large = len(body) > MAX_BODY
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"over {MAX_BODY} bytes")
