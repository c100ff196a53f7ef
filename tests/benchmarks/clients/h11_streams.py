"""A loop of one's own: h11 over asyncio streams, a connection for each, the JSON decoded."""

import asyncio
import json
import sys
from urllib.parse import urlsplit

import h11

from tests.benchmarks.clients.measured import measured


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.state = h11.Connection(h11.CLIENT)

    async def ask(self, host: str, video_id: str) -> object:
        headers = [("host", host), ("authorization", "Bearer sk-0123456789abcdef")]
        request = h11.Request(method="GET", target=f"/v1/videos/{video_id}", headers=headers)
        out = self.state.send(request) or b""
        self.writer.write(out + (self.state.send(h11.EndOfMessage()) or b""))
        body = b""
        while True:
            event = self.state.next_event()
            if event is h11.NEED_DATA:
                self.state.receive_data(await self.reader.read(65536))
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                self.state.start_next_cycle()
                return json.loads(body)


async def main() -> None:
    """Measure with a connection for each request under way."""
    parts = urlsplit(sys.argv[1])
    idle = [
        _Connection(*await asyncio.open_connection(parts.hostname, parts.port))
        for _ in range(int(sys.argv[2]))
    ]

    async def ask(video_id: str) -> object:
        connection = idle.pop()
        answer = await connection.ask(parts.netloc, video_id)
        idle.append(connection)
        return answer

    await measured(ask)


asyncio.run(main())
