"""Both ends of a job's way in one cheap process: `python -m tests.benchmarks.job_peers`.

`GET /v1/videos/ID` is a gateway: each job runs for `RUNNING_POLLS` answers, and is completed in
the next. `POST /hook` is a receiver: it answers 204 and counts. `GET /received` tells how many
POSTs there were. The port is printed.
"""

import asyncio
import json
import time
import urllib.request
from collections import Counter
from contextlib import AbstractContextManager
from typing import ClassVar, cast

from tests.benchmarks.peer_process import running_peer, serve

RUNNING_POLLS = 3
"""How many answers say that a job runs, with progress between them."""

_VIDEO = (
    '{"id":"%s","object":"video","created_at":%d,"status":"%s","model":"sora-2",'
    '"progress":%d,"seconds":"8","size":"1280x720","completed_at":%s,"expires_at":null,'
    '"error":null,"remixed_from_video_id":null}'
)
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nserver: bench\r\n"
    b"x-request-id: req_0123456789abcdef\r\ncontent-length: %d\r\n\r\n"
)
_BEGAN = int(time.time())


class _Peers(asyncio.Protocol):
    polls: ClassVar = Counter[str]()
    received = 0

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to answer through."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if not end or len(rest) < length:
            return
        self._buffer = rest[length:]
        if head.startswith(b"POST"):
            _Peers.received += 1
            self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            return
        path = head.split(b" ", 2)[1].decode()
        body = str(_Peers.received) if path == "/received" else _video(path.rpartition("/")[2])
        self._transport.write(_HEAD % len(body) + body.encode())


def _video(video_id: str) -> str:
    _Peers.polls[video_id] += 1
    polls = _Peers.polls[video_id]
    if polls > RUNNING_POLLS:
        return _VIDEO % (video_id, _BEGAN, "completed", 100, int(time.time()))
    progress = 100 * polls // (RUNNING_POLLS + 1)
    return _VIDEO % (video_id, _BEGAN, "in_progress", progress, "null")


def job_peers() -> AbstractContextManager[str]:
    """Have the two in one process; give their address without a path."""
    return running_peer("tests.benchmarks.job_peers")


def received(url: str) -> int:
    """Return how many POSTs have come."""
    with urllib.request.urlopen(f"{url}/received", timeout=30) as answer:  # noqa: S310 - loopback
        return int(json.load(answer))


if __name__ == "__main__":
    asyncio.run(serve(_Peers))
