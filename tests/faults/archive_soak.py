"""A thousand downloads under faults, beside kills: every file is whole, by its hash.

`python -m tests.faults.archive_soak --videos 1000 --kills 20 --seed 1` lets videos complete on a
gateway that answers 404, 409, 429 and 500, web pages and nothing for their content, breaks off in
the middle, hangs, changes its ETags, sends chunks, and redirects to another host. The daemon is
killed now and then. In the end each video has one event about its copy, and each copy is compared
with what the gateway has. The most memory that a daemon used is part of the result.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import tomli_w
import trio

from notifier.http_server import Request, Response, Wire, serve
from tests.archive.contents import Contents, content_of, sha256
from tests.process.harness import World, running, world

SIZE = 300_000
_KILL_EVERY = 4.0
_MOST_FAULTS = 5
_PAGE = Response(200, {"content-type": "text/html"}, b"<h1>We will be back soon</h1>")
_FAULTS = (
    *(Response(404), Response(409), Response(500), _PAGE),
    Response(429, {"retry-after": "1"}),
    Response(200, {"content-type": "application/json"}, b'{"status": "processing"}'),
    Response(200, {"content-type": "video/mp4"}),
)


@dataclass
class Verdict:
    """What a soak came to; `problems` is empty when every copy is whole."""

    videos: int = 0
    kills: int = 0
    requests: int = 0
    continued: int = 0
    most_in_flight: int = 0
    most_memory: int = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the figures in one line."""
        return (
            f"{self.videos} videos of {SIZE:,} bytes, {self.kills} kills, "
            f"{self.requests} requests for content, {self.continued} continued, "
            f"at most {self.most_in_flight} at a time, "
            f"{self.most_memory / 2**20:.0f} MiB at most, {len(self.problems)} problems"
        )


class ArchiveSoak:
    """One soak over one world; `seed` decides faults and moments.

    `most_faults` requests for one content may meet a fault.
    """

    def __init__(self, w: World, seed: int, most_faults: int) -> None:
        self._world = w
        self._most_faults = most_faults
        self._rng = Random(seed)
        self._gateway, self._storage = Contents(size=SIZE), Contents(size=SIZE)
        self._storage_port = 0
        self._told: dict[str, list[str]] = {}
        self._files: dict[str, tuple[str, str]] = {}
        self._asked = Counter[str]()
        self.verdict = Verdict()

    async def run(
        self, videos: int, kills: int, tell: Callable[[int], None] = lambda _: None
    ) -> Verdict:
        """Let so many videos complete, kill so many daemons, and judge."""
        names = [f"video_{number}" for number in range(videos)]
        await self._set_up(names)
        for _ in range(kills):
            async with running(self._world.config_path) as daemon:
                await trio.sleep(self._rng.uniform(0.2, _KILL_EVERY))  # the moment is tested
                self._note_memory(daemon.process.pid)
                daemon.process.kill()
                await daemon.exit_code()
            self.verdict.kills += 1
            tell(len(self._told))
        async with running(self._world.config_path) as daemon:
            while len(self._told) < videos:
                await trio.sleep(1)
                self._note_memory(daemon.process.pid)
                tell(len(self._told))
            if await daemon.end() != 0:
                self.verdict.problems.append("the daemon did not end well")
        self._check(names)
        return self.verdict

    async def _set_up(self, names: list[str]) -> None:
        w = self._world
        app = await w.receiver(before_answer=self._note)
        w.endpoint(app, retry_schedule=["200ms"] * 50, events=["video.archive*"])
        start = partial(serve, port=0)
        self._storage_port = await w.nursery.start(partial(start, self._storage.handle))
        port = await w.nursery.start(partial(start, self._handle))
        base_url = f"http://127.0.0.1:{port}/v1"
        w.gateway(base_url=base_url, archive=True, request_timeout="2s")
        w.config["outbound"] = {"allow": ["127.0.0.0/8"]}
        (w.folder / "watches.d").mkdir()
        for name in names:
            w.sandbox.create(video_id=name, duration=0.001)
        listed = {"watches": [{"video_id": name} for name in names]}
        (w.folder / "watches.d" / "all.toml").write_text(tomli_w.dumps(listed))
        w.save()
        for contents in (self._gateway, self._storage):
            contents.etag = self._etag

    def _etag(self, video_id: str) -> str | None:
        """Return a strong ETag for most, none or a weak one for others, now and then another."""
        kind = int(video_id.rpartition("_")[2]) % 4
        if kind == 0:
            return None
        if kind == 1:
            return f'W/"{video_id}"'
        return f'"{video_id}.{self._rng.randrange(20) // 19}"'

    async def _handle(self, request: Request, wire: Wire) -> Response | None:
        if request.segments[-1:] != ("content",):
            return await self._world.sandbox.handle(request, wire)
        self.verdict.requests += 1
        asked = self._asked[request.segments[-2]] = self._asked[request.segments[-2]] + 1
        # waits double: after a few more faults a video alone would take half an hour
        fate = self._rng.random() if asked <= self._most_faults else 1.0
        if fate < 0.2:
            return self._rng.choice(_FAULTS)
        if fate < 0.22:
            await wire.hang()
            return None
        video_id = request.segments[-2]
        if fate < 0.45:
            location = f"http://127.0.0.1:{self._storage_port}/a/b/{video_id}?signature=1"
            return Response(302, {"location": location})
        if fate < 0.65:
            self._gateway.cuts.setdefault(video_id, []).append(self._rng.randrange(SIZE))
        self._gateway.chunked = fate > 0.8
        return await self._gateway.handle(request, wire)

    def _note(self, got: object) -> None:
        event = getattr(got, "event")  # noqa: B009 - any POST that a receiver recorded
        video_id, archive = event["data"]["id"], event["watch"]["archive"]
        ids = self._told.setdefault(video_id, [])
        if event["id"] not in ids:
            ids.append(event["id"])
        if event["type"] != "video.archived":
            self.verdict.problems.append(f"{event['type']} of {video_id}: {archive['reason']}")
        else:
            self._files[video_id] = archive["path"], archive["sha256"]

    def _note_memory(self, pid: int) -> None:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                most = int(line.split()[1]) * 1024
                self.verdict.most_memory = max(self.verdict.most_memory, most)

    def _check(self, names: list[str]) -> None:
        verdict, problems = self.verdict, self.verdict.problems
        for name in names:
            if len(self._told.get(name, [])) != 1:
                problems.append(f"{len(self._told.get(name, []))} events: {name}")
            path, digest = self._files.get(name, ("", ""))
            right = sha256(content_of(name, SIZE))
            if digest != right or not path or sha256(Path(path).read_bytes()) != right:
                problems.append(f"not whole: {name}")
        left = list((self._world.store_path.parent / "archive").rglob(".*.part"))
        problems += [f"left: {path.name}" for path in left]
        requests = [*self._gateway.requests, *self._storage.requests]
        verdict.videos = len(names)
        verdict.continued = sum("range" in request.headers for request in requests)
        verdict.most_in_flight = max(self._gateway.most_in_flight, self._storage.most_in_flight)


async def archive_soak(
    folder: Path,
    videos: int,
    kills: int,
    seed: int,
    tell: Callable[[int], None] = lambda _: None,
    *,
    most_faults: int = _MOST_FAULTS,
) -> Verdict:
    """Run a soak in an empty `folder`."""
    async with world(folder) as w:
        return await ArchiveSoak(w, seed, most_faults).run(videos, kills, tell)


def main() -> int:
    """Run one soak as the arguments say; return 1 when a copy is not whole."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.archive_soak")
    parser.add_argument("--videos", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    began = time.monotonic()

    def tell(done: int) -> None:
        print(f"\r{done}/{chosen.videos} copies", end="", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory() as folder:
        verdict = trio.run(
            archive_soak, Path(folder), chosen.videos, chosen.kills, chosen.seed, tell
        )
    print(f"\nseed {chosen.seed}: {verdict}; {time.monotonic() - began:.0f} s")
    for problem in verdict.problems:
        print(problem)
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
