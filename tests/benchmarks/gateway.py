"""A gateway that costs little, in a process of its own: `python -m tests.benchmarks.gateway`.

It has `count` jobs, named by their number, and answers `GET /v1/videos/ID` and
`GET /v1/videos?limit=&after=`, the newest job first. Jobs never end. With `progress` it moves, as
it does on real gateways: to answer the same bytes for ever would flatter whoever asks. Without,
nothing tells how far they are. `/asked` tells how many requests there were. The port is printed.
"""

import asyncio
import json
import sys
import time
import urllib.request
from contextlib import AbstractContextManager
from typing import cast
from urllib.parse import parse_qs

from tests.benchmarks.peer_process import running_peer, serve

_VIDEO = (
    '{"id":"%s","object":"video","created_at":%d,"status":"in_progress","model":"sora-2",'
    '"progress":%s,"seconds":"8","size":"1280x720","completed_at":null,"expires_at":null,'
    '"error":null,"remixed_from_video_id":null}'
)
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nserver: bench\r\n"
    b"x-request-id: req_0123456789abcdef\r\ncontent-length: %d\r\n\r\n"
)
_BEGAN = time.time()
_JOB_SECONDS = 300


def name(number: int) -> str:
    """Return the id of a job, as long as OpenAI's."""
    return f"video_68f0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8{number:08}"


def _video(number: int) -> str:
    older = number % 5
    age = time.time() - _BEGAN + older
    progress = min(int(age / _JOB_SECONDS * 100), 99) if _Gateway.progress else "null"
    return _VIDEO % (name(number), int(_BEGAN) - older, progress)


class _Gateway(asyncio.Protocol):
    count = 0
    progress = True
    asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to answer through."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer; requests are small enough to come in one piece."""
        path, _, query = data.split(b" ", 2)[1].decode().partition("?")
        if path == "/asked":
            body = str(_Gateway.asked)
        else:
            _Gateway.asked += 1
            body = _page(query) if path.endswith("/videos") else _video(int(path[-8:]))
        raw = body.encode()
        self._transport.write(_HEAD % len(raw) + raw)


def _page(query: str) -> str:
    asked = {key: values[0] for key, values in parse_qs(query).items()}
    first = int(asked["after"][-8:]) if "after" in asked else _Gateway.count
    last = max(first - int(asked["limit"]), 0)
    items = [_video(number) for number in range(first - 1, last - 1, -1)]
    more = "true" if last > 0 else "false"
    return (
        f'{{"object":"list","data":[{",".join(items)}],"has_more":{more},'
        f'"first_id":"{name(first - 1)}","last_id":"{name(last)}"}}'
    )


def gateway(count: int, *, progress: bool = True) -> AbstractContextManager[str]:
    """Have a gateway with `count` jobs; give its address without a path."""
    told = ["progress"] if progress else []
    return running_peer("tests.benchmarks.gateway", str(count), *told)


def asked(url: str) -> int:
    """Return how many requests a gateway has answered."""
    with urllib.request.urlopen(f"{url}/asked", timeout=30) as answer:  # noqa: S310 - loopback
        return int(json.load(answer))


if __name__ == "__main__":
    _Gateway.count = int(sys.argv[1])
    _Gateway.progress = "progress" in sys.argv
    asyncio.run(serve(_Gateway))
