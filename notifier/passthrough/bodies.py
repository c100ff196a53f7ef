"""Reads requests' bodies, as far as they are read here."""

from http import HTTPStatus

import trio
from starlette.types import Message, Receive

from notifier.passthrough.targets import RefusedError
from notifier.passthrough.transfer import SILENCE


class RequestBody:
    """Receives a request's body, and knows whether it has come whole."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def __call__(self) -> Message:
        """Return the next message, as an ASGI server does."""
        message = await self._receive()
        self.ended |= not message.get("more_body", False)
        return message


async def read_up_to(most: int, receive: Receive) -> tuple[bytes, bool]:
    """Return a body, or what was read of it once that is over `most`, and whether more comes.

    Raises RefusedError when nothing comes for long.
    """
    body = bytearray()
    while len(body) <= most:
        message = None
        with trio.move_on_after(SILENCE):
            message = await receive()
        if message is None or message["type"] == "http.disconnect":
            raise RefusedError(HTTPStatus.REQUEST_TIMEOUT, "the body did not come")
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body), False
    return bytes(body), True
