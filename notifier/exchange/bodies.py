"""Reading an answer's body, as much of it as is wanted."""

from typing import cast

import httpx

from notifier.errors import TransportError


async def read_body(response: httpx.Response, most: int) -> bytes:
    """Return the body as it came over the wire, and let go of the connection.

    Raises TransportError for a body of more than `most` bytes.
    """
    stream = cast("httpx.AsyncByteStream", response.stream)
    received: list[bytes] = []
    length = 0
    try:
        async for chunk in stream:
            received.append(chunk)
            length += len(chunk)
            if length > most:
                raise TransportError("too_large", f"the answer is over {most} bytes")
    finally:
        await stream.aclose()
    return received[0] if len(received) == 1 else b"".join(received)
