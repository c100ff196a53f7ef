"""A real daemon and a gateway that misbehaves in another way for each video."""

import gzip
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import trio

from notifier.http_server import Request, Response, Wire, json_response, serve
from tests.faults.soak import sample
from tests.process.harness import eventually, running, world

Behaviour = Callable[[Wire], Awaitable[Response | None]]
BOMB = gzip.compress(bytes(50_000_000))
JSON = {"content-type": "application/json"}
MIB = 1024 * 1024


async def an_endless_body(wire: Wire) -> None:
    await wire.send_raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{")
    while True:
        await wire.send_raw(b'"a": "' + b"x" * 65_536 + b'",')


async def a_byte_a_moment(wire: Wire) -> None:
    await wire.drip(Response(200, JSON, b"{" + b" " * 1000), 0.1)


async def provisional_answers(wire: Wire) -> None:
    while True:
        await wire.send_raw(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


async def silence(wire: Wire) -> None:
    await wire.hang()


async def a_reset(wire: Wire) -> None:
    await wire.reset()


def _says(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Behaviour:
    async def say(_: Wire) -> Response:
        return Response(status, headers or JSON, body)

    return say


BEHAVIOURS: dict[str, Behaviour] = {
    "endless": an_endless_body,
    "drip": a_byte_a_moment,
    "provisional": provisional_answers,
    "silent": silence,
    "reset": a_reset,
    "bomb": _says(BOMB, headers={**JSON, "content-encoding": "gzip"}),
    "deep": _says(b"[" * 500_000 + b"]" * 500_000),
    "deep-field": _says(b'{"id": "deep-field", "metadata": ' + b"[" * 100_000 + b"]" * 100_000),
    "huge-number": _says(b'{"id": "huge-number", "progress": ' + b"9" * 5000 + b"}"),
    "infinite": _says(b'{"id": "infinite", "status": "queued", "progress": Infinity}'),
    "surrogates": _says(b'{"id": "surrogates", "status": "\\ud800", "model": "\\udfff"}'),
    "types": _says(
        json.dumps(
            {"id": "types", "status": ["completed"], "progress": {}, "created_at": "x", "error": 1}
        ).encode()
    ),
    "number": _says(b"17"),
    "latin": _says(b'{"id": "latin", "status": "\xff\xfe"}'),
    "html": _says(b"<html>completed</html>", headers={"content-type": "text/html"}),
    "error-object": _says(b'{"error": {"message": "backend is gone", "code": "backend"}}'),
    "accepted": _says(b"", 202),
    "other": _says(b'{"id": "somebody-else", "object": "video", "status": "completed"}'),
}


async def test_each_misbehaviour_affects_its_own_video_only_and_memory_stays_flat(
    tmp_path: Path,
) -> None:
    asked: dict[str, int] = dict.fromkeys(BEHAVIOURS, 0)
    ended = False

    async def handle(request: Request, wire: Wire) -> Response | None:
        video_id = request.segments[-1]
        if video_id in BEHAVIOURS:
            asked[video_id] += 1
            return await BEHAVIOURS[video_id](wire)
        status = "completed" if ended else "in_progress"
        return json_response({"id": video_id, "object": "video", "status": status})

    async with world(tmp_path) as w:
        w.gateway_port = await w.nursery.start(partial(serve, handle, port=0))
        w.gateway(request_timeout="1s", poll_interval="300ms")
        app = await w.receiver()
        w.endpoint(app)
        w.watch("good", "neighbour", *BEHAVIOURS)
        async with running(w.save()) as daemon:
            await eventually(lambda: min(asked.values()) >= 1, "every behaviour to be met")
            before = sample(daemon.process.pid, w.store_path)
            await eventually(lambda: min(asked.values()) >= 3, "every behaviour to be met again")
            await trio.sleep(2)  # more of the same
            after = sample(daemon.process.pid, w.store_path)
            assert app.got == []
            ended = True
            await app.wait_for(2)
            assert await daemon.end() == 0

        assert {got.event["data"]["id"] for got in app.got} == {"good", "neighbour"}
        assert after.rss - before.rss < 32 * MIB
        assert after.rss < 160 * MIB
        assert after.descriptors < 64
        assert "Traceback" not in daemon.log_path.read_text()
