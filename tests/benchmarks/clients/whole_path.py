"""What one would write oneself: AsyncOpenAI polls, SQLite remembers, httpx sends signed webhooks.

Called with the address of gateway and receiver, a file for the database, how many jobs to follow
and every how many seconds to ask about each. Prints a line when it is ready, waits for one on
stdin, and prints another when every job's webhook is recorded as received.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import sqlite3
import sys
import time

import httpx
from openai import AsyncOpenAI

from tests.benchmarks.clients.measured import name

_KEY = b"a key of 32 bytes for benchmarks"
_POLLS_AT_ONCE, _POSTS_AT_ONCE = 32, 4
"""More at once cost httpx more CPU each."""


class _Follower:
    def __init__(self, url: str, path: str, every: float) -> None:
        self._url = url
        self._every = every
        self._polls = asyncio.Semaphore(_POLLS_AT_ONCE)
        self._posts = asyncio.Semaphore(_POSTS_AT_ONCE)
        self._gateway = AsyncOpenAI(api_key="sk-0123456789abcdef", base_url=f"{url}/v1")
        self._receiver = httpx.AsyncClient()
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE jobs (video_id TEXT PRIMARY KEY, status TEXT)")
        self._db.execute("CREATE TABLE events (id TEXT PRIMARY KEY, body BLOB, delivered INTEGER)")

    async def follow(self, video_id: str) -> None:
        """Follow one job from the order to the recorded webhook; a crash loses nothing."""
        self._db.execute("INSERT INTO jobs VALUES (?, 'queued')", (video_id,))
        while True:
            async with self._polls:
                video = await self._gateway.videos.retrieve(video_id)
            if video.status in {"completed", "failed"}:
                break
            await asyncio.sleep(self._every)
        event_id = f"evt_{video_id}"
        event = {"id": event_id, "type": f"video.{video.status}", "data": video.model_dump()}
        body = json.dumps(event).encode()
        self._db.execute("BEGIN")
        self._db.execute("UPDATE jobs SET status = ? WHERE video_id = ?", (video.status, video_id))
        self._db.execute("INSERT INTO events VALUES (?, ?, 0)", (event_id, body))
        self._db.execute("COMMIT")
        async with self._posts:
            answer = await self._receiver.post(
                f"{self._url}/hook", content=body, headers=_signed(event_id, body)
            )
        answer.raise_for_status()
        self._db.execute("UPDATE events SET delivered = 1 WHERE id = ?", (event_id,))


def _signed(event_id: str, body: bytes) -> dict[str, str]:
    now = str(int(time.time()))
    mac = hmac.new(_KEY, f"{event_id}.{now}.".encode() + body, hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": now,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main(url: str, path: str, jobs: int, every: float) -> None:
    """Follow all jobs at the same time."""
    follower = _Follower(url, path, every)
    _say("ready")
    sys.stdin.readline()
    await asyncio.gather(*(follower.follow(name(number)) for number in range(jobs)))
    _say("done")
    sys.stdin.readline()


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
