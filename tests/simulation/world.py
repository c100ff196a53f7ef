"""What surrounds the daemon: jobs on a gateway, receivers, and a wall clock that jumps.

The world decides from its seed, and only from it, what happens when. It keeps the books that
the checker reads: which jobs ended when, and which POSTs were answered how.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from urllib.parse import unquote, urlsplit

import trio

from notifier.errors import TransportError
from notifier.exchange import Reply

DAY = 86_400.0
WALL_START = 1_760_000_000.0
ENDPOINTS = ("app", "ops", "flaky")

_WORDS = {
    "completed": ("completed", "succeeded", "SUCCESS"),
    "failed": ("failed", "error", "FAILURE"),
    "cancelled": ("cancelled", "canceled"),
}
_RUNNING = ("queued", "processing", "in_progress", "unknown", "flummoxed")


@dataclass(frozen=True, slots=True)
class Job:
    """A job: created at `at`, over at `ends_at` (virtual seconds; None: never) as `ending`."""

    video_id: str
    at: float
    ends_at: float | None
    ending: str


@dataclass(slots=True)
class Post:
    """One POST as an endpoint saw it; `taken` when it was processed, answered or not."""

    endpoint: str
    at: float
    event_id: str
    timestamp: int
    body: bytes
    taken: bool = False


@dataclass
class World:
    """Everything outside of the daemon, decided by `seed`, for `days` virtual days."""

    seed: int
    days: float = 5.0
    jobs_per_day: int = 10
    jobs: dict[str, Job] = field(init=False)
    posts: list[Post] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    wall_offset: float = 0.0
    _denied: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.fault_rate = self.rng.choice([0.0, 0.05, 0.3, 0.6])
        self.outages = self._spans(self.rng.randrange(3), 6 * 3600)
        self.down = {name: self._spans(self.rng.randrange(3), DAY) for name in ENDPOINTS}
        self.lose_answer = self.rng.choice([0.0, 0.05, 0.2])
        jobs = [self._job(number) for number in range(int(self.days * self.jobs_per_day))]
        self.jobs = {job.video_id: job for job in jobs}

    def wall(self) -> float:
        """Return the wall clock, which `jump` sets."""
        return WALL_START + trio.current_time() + self.wall_offset

    def jump(self) -> None:
        """Set the wall clock forward or back."""
        self.wall_offset += self.rng.choice([-3600, 3600, -DAY, 30 * DAY])

    def _spans(self, count: int, longest: float) -> list[tuple[float, float]]:
        starts = [self.rng.uniform(0, self.days * DAY * 0.7) for _ in range(count)]
        return [(start, start + self.rng.uniform(60, longest)) for start in starts]

    def _job(self, number: int) -> Job:
        at = self.rng.uniform(0, self.days * DAY * 0.6)
        ending = self.rng.choices(
            ["completed", "failed", "cancelled", "lost", "stuck"], [71, 12, 6, 8, 3]
        )[0]
        takes = self.rng.lognormvariate(4.8, 0.6)
        return Job(f"video_{number}", at, None if ending == "stuck" else at + takes, ending)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        deadline: float,
        max_body: int,
        body: bytes | None = None,
    ) -> Reply:
        """Be the network: `notifier.exchange.Http` for gateways and endpoints alike."""
        parts = urlsplit(url)
        await trio.sleep(self.rng.uniform(0.001, 0.3))
        if parts.hostname == "gateway":
            reply = await self._gateway(unquote(parts.path.rpartition("/")[2]), deadline)
        else:
            reply = await self._endpoint(str(parts.hostname), headers, body or b"", deadline)
        await trio.sleep(self.rng.uniform(0.001, 0.3))
        return reply

    async def _gateway(self, video_id: str, deadline: float) -> Reply:
        self.asked.append(trio.current_time())
        if _within(self.outages, trio.current_time()):
            raise TransportError("connect", "outage")
        if self.rng.random() < self.fault_rate:
            return await self._fault(video_id, deadline)
        self._denied.discard(video_id)
        return self._status(self.jobs[video_id])

    async def _fault(self, video_id: str, deadline: float) -> Reply:
        other = json.dumps({"id": "somebody-else", "status": "completed"})
        faults = (
            TransportError("timeout", ""),
            TransportError("reset", ""),
            Reply(429, {"retry-after": str(self.rng.randrange(100))}, b""),
            Reply(500, {}, b"oops"),
            Reply(200, {"content-type": "text/html"}, b"<html>"),
            Reply(200, {}, b'{"id": "video_'),
            Reply(200, {}, other.encode()),
            self._replica(video_id),
        )
        fault = self.rng.choice(faults)
        if isinstance(fault, TransportError):
            await trio.sleep(deadline if fault.kind == "timeout" else 0)
            raise fault
        return fault

    def _replica(self, video_id: str) -> Reply:
        """Be a replica that does not know the job.

        Never three times between good answers: that is how the gateway itself would tell that
        a job is gone.
        """
        if video_id in self._denied:
            return Reply(503, {}, b"")
        self._denied.add(video_id)
        return _no_such_video()

    def _status(self, job: Job) -> Reply:
        now = trio.current_time()
        over = job.ends_at is not None and now >= job.ends_at
        if over and job.ending == "lost":
            return _no_such_video()
        word = self.rng.choice(_WORDS[job.ending] if over else _RUNNING)
        error = {"code": "boom", "message": "it broke"} if word in _WORDS["failed"] else None
        video = {"id": job.video_id, "object": "video", "status": word, "error": error}
        return Reply(200, {}, json.dumps(video).encode())

    async def _endpoint(
        self, name: str, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> Reply:
        post = Post(
            name,
            trio.current_time(),
            headers["webhook-id"],
            int(headers["webhook-timestamp"]),
            body,
        )
        self.posts.append(post)
        if _within(self.down[name], trio.current_time()):
            if self.rng.random() < 0.5:
                await trio.sleep(deadline)
                raise TransportError("timeout", "")
            return Reply(self.rng.choice([500, 502, 503, 404, 302]), {}, b"")
        post.taken = True
        if self.rng.random() < self.lose_answer:
            # processed, but the sender never learns of it
            raise TransportError("reset", "")
        return Reply(204, {}, b"")


def _within(spans: list[tuple[float, float]], now: float) -> bool:
    return any(start <= now < end for start, end in spans)


def _no_such_video() -> Reply:
    return Reply(404, {}, b'{"error": {"code": "video_not_found", "message": "no"}}')
