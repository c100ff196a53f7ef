"""A loop of one's own: h11 over trio's streams, a connection for each, the JSON decoded."""

import json
import sys
from urllib.parse import urlsplit

import h11
import trio

from tests.benchmarks.clients.measured import measured_with


class _Connection:
    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.state = h11.Connection(h11.CLIENT)

    async def ask(self, host: str, video_id: str) -> object:
        headers = [("host", host), ("authorization", "Bearer sk-0123456789abcdef")]
        request = h11.Request(method="GET", target=f"/v1/videos/{video_id}", headers=headers)
        out = self.state.send(request) or b""
        await self.stream.send_all(out + (self.state.send(h11.EndOfMessage()) or b""))
        body = b""
        while True:
            event = self.state.next_event()
            if event is h11.NEED_DATA:
                self.state.receive_data(await self.stream.receive_some(65536))
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self.state.start_next_cycle()
                return json.loads(body)


async def main() -> None:
    """Measure with a connection for each request under way."""
    parts = urlsplit(sys.argv[1])
    idle = [
        _Connection(await trio.open_tcp_stream(parts.hostname or "", parts.port or 80))
        for _ in range(int(sys.argv[2]))
    ]

    async def ask(video_id: str) -> object:
        connection = idle.pop()
        answer = await connection.ask(parts.netloc, video_id)
        idle.append(connection)
        return answer

    async with trio.open_nursery() as nursery:
        await measured_with(ask, nursery.start_soon, trio.sleep)
        nursery.cancel_scope.cancel()


trio.run(main)
