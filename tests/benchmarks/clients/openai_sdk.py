"""AsyncOpenAI's `videos.retrieve`, as the reference page shows it; or on its engine "aiohttp"."""

import asyncio
import sys

from openai import AsyncOpenAI, DefaultAioHttpClient

from tests.benchmarks.clients.measured import measured


async def main() -> None:
    """Measure one client, as an application has one."""
    engine = DefaultAioHttpClient() if "aiohttp" in sys.argv else None
    url = f"{sys.argv[1]}/v1"
    client = AsyncOpenAI(api_key="sk-0123456789abcdef", base_url=url, http_client=engine)
    await measured(client.videos.retrieve)


asyncio.run(main())
