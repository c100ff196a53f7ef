"""A gateway of finished videos whose content a test sets, over real HTTP on loopback."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import trio

from notifier.http_server import Request, Response, Wire

PIECE = 64 * 1024


def content_of(video_id: str, size: int) -> bytes:
    """Return bytes that only this video has, with the beginning of an MP4."""
    return b"\0\0\0\x18ftypmp42" + Random(video_id).randbytes(size - 12)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Contents:
    """Answers `/content` with `size` bytes each; `behave` may do something else first.

    `behave` returns True when it has answered, or a Response. `cut` are after how many bytes the
    next answers break off. `etag` None sends none.
    """

    size: int = 200_000
    content_type: str = "video/mp4"
    etag: Callable[[str], str | None] = lambda video_id: f'"{video_id}"'
    behave: Callable[[Request, str], Response | None] = lambda *_: None
    cuts: dict[str, list[int]] = field(default_factory=dict)
    chunked: bool = False
    pause: float = 0.0
    """How long to wait between pieces, in seconds."""
    requests: list[Request] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0

    def asked(self, video_id: str) -> list[Request]:
        return [each for each in self.requests if video_id in each.segments]

    async def handle(self, request: Request, wire: Wire) -> Response | None:
        self.requests.append(request)
        video_id = next((part for part in request.segments[2:3]), request.segments[-1])
        other = self.behave(request, video_id)
        if other is not None:
            return other
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._send(request, video_id, wire)
        finally:
            self.in_flight -= 1
        return None

    async def _send(self, request: Request, video_id: str, wire: Wire) -> None:
        data, etag, chunked = content_of(video_id, self.size), self.etag(video_id), self.chunked
        first, status = self._first(request, etag), "200 OK"
        headers = [f"content-type: {self.content_type}"] if self.content_type else []
        if etag:
            headers.append(f"etag: {etag}")
        if first:
            status = "206 Partial Content"
            headers.append(f"content-range: bytes {first}-{len(data) - 1}/{len(data)}")
        framing = f"content-length: {len(data) - first}"
        headers.append("transfer-encoding: chunked" if chunked else framing)
        head = "\r\n".join([f"HTTP/1.1 {status}", *headers, "connection: close", "", ""])
        await wire.send_raw(head.encode())
        cuts = self.cuts.get(video_id)
        end = min(len(data), first + cuts.pop(0)) if cuts else len(data)
        for at in range(first, end, PIECE):
            piece = data[at : min(at + PIECE, end)]
            chunk = b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece
            await wire.send_raw(chunk)
            await trio.sleep(self.pause)
        if chunked and end == len(data):
            await wire.send_raw(b"0\r\n\r\n")

    def _first(self, request: Request, etag: str | None) -> int:
        wanted = request.headers.get("range", "")
        if etag is None or request.headers.get("if-range") != etag or not wanted:
            return 0
        return int(wanted.removeprefix("bytes=").removesuffix("-"))
