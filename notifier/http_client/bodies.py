"""Reads an answer's body, up to a number of bytes."""

from collections.abc import AsyncIterator
from typing import cast

import httpx

from notifier.errors import TransportError


class Whole(httpx.AsyncByteStream):
    """A body that has arrived already, so that reading it does not wait."""

    def __init__(self, received: bytes) -> None:
        self.received = received

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Return it in one piece, as httpx wants it."""
        yield self.received


async def read_body(response: httpx.Response, most: int) -> bytes:
    """Return the body as it came over the wire, and release the connection.

    Raises TransportError for a body of more than `most` bytes.
    """
    stream = cast("httpx.AsyncByteStream", response.stream)
    if isinstance(stream, Whole):
        _check(len(stream.received), most)
        return stream.received
    received: list[bytes] = []
    length = 0
    try:
        async for chunk in stream:
            received.append(chunk)
            length += len(chunk)
            _check(length, most)
    finally:
        await stream.aclose()
    return received[0] if len(received) == 1 else b"".join(received)


def _check(length: int, most: int) -> None:
    if length > most:
        raise TransportError("too_large", f"the answer is over {most} bytes")
