"""httpx 0.28's AsyncClient on asyncio, with the answer's JSON decoded."""

import asyncio
import sys

import httpx

from tests.benchmarks.clients.measured import measured


async def main() -> None:
    """Measure one client with as many connections as there are requests under way."""
    headers = {"authorization": "Bearer sk-0123456789abcdef"}
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(headers=headers, limits=limits) as client:

        async def ask(video_id: str) -> object:
            answer = await client.get(f"{sys.argv[1]}/v1/videos/{video_id}")
            return answer.json()

        await measured(ask)


asyncio.run(main())
