"""aiohttp, with the answer's JSON decoded."""

import asyncio
import sys

import aiohttp

from tests.benchmarks.clients.measured import measured


async def main() -> None:
    """Measure one session without a limit of its own."""
    headers = {"authorization": "Bearer sk-0123456789abcdef"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

        async def ask(video_id: str) -> object:
            async with session.get(f"{sys.argv[1]}/v1/videos/{video_id}") as answer:
                return await answer.json()

        await measured(ask)


asyncio.run(main())
