"""Reads an answer's body, up to a number of bytes."""

from collections.abc import AsyncIterator

import httpx

from notifier.errors import TransportError

_HEAD_DECIDES = frozenset({"protocol", "too_large"})
"""Kinds of a TransportError that leave the head valid: the body arrives, but in no usable form."""


class Whole(httpx.AsyncByteStream):
    """A body that has arrived already, so that reading it does not wait."""

    def __init__(self, received: bytes) -> None:
        self.received = received

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Return it in one piece, as httpx wants it."""
        yield self.received


async def read_body(stream: httpx.AsyncByteStream, most: int, *, whole: bool = True) -> bytes:
    """Return the body as it came over the wire, and release the connection.

    Raises TransportError. Unless it must be `whole`, only for one that is cut short or late: of
    more than `most` bytes the first are returned, and what cannot be parsed is left out.
    """
    if isinstance(stream, Whole):
        return _limited(stream.received, most, whole=whole)
    received: list[bytes] = []
    length = 0
    try:
        async for chunk in stream:
            received.append(chunk)
            length += len(chunk)
            if length > most:
                break
    except TransportError as error:
        if whole or error.kind not in _HEAD_DECIDES:
            raise
    finally:
        await stream.aclose()
    return _limited(received[0] if len(received) == 1 else b"".join(received), most, whole=whole)


def _limited(received: bytes, most: int, *, whole: bool) -> bytes:
    if whole and len(received) > most:
        raise TransportError("too_large", f"the answer is over {most} bytes")
    return received[:most]
