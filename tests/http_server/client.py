"""Two clients for servers under test: one for valid requests, and one for arbitrary bytes."""

from collections.abc import Mapping
from typing import Any

import httpx
import trio


async def ask(
    port: int,
    method: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    json: Any = None,  # noqa: ANN401 - whatever httpx takes
) -> httpx.Response:
    async with httpx.AsyncClient(verify=False, trust_env=False) as client:  # noqa: S501 - plain http
        return await client.request(
            method,
            f"http://127.0.0.1:{port}{path}",
            headers=dict(headers or {}),
            content=content,
            json=json,
        )


async def raw(port: int, *sent: bytes, end: bool = True) -> bytes:
    """Send bytes and return everything that comes back until the server closes."""
    answer = bytearray()
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        for data in sent:
            await stream.send_all(data)
        if end:
            await stream.send_eof()
        async for received in stream:
            answer += received
    return bytes(answer)
