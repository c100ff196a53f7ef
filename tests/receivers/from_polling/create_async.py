"""Make a video through notifier, which watches it; an event says how it ended."""

import asyncio

from openai import AsyncOpenAI


async def main() -> None:
    """Create without waiting."""
    async with AsyncOpenAI(base_url="http://127.0.0.1:8788/main/v1") as client:
        video = await client.videos.create(
            model="sora-2",
            prompt="A cat on a motorcycle",
            extra_headers={"Notifier-Metadata": '{"user": "7"}'},
        )
    print(video.id, "is watched")


asyncio.run(main())
