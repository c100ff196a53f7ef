"""What surrounds the daemon: a gateway, receivers, files, and a wall clock that jumps.

The world decides from its seed, and only from it, what happens when. Its parts keep the books
that the checker reads.
"""

import math
from dataclasses import dataclass, field
from random import Random
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import trio

from notifier.http_client import HttpRequest, HttpResponse
from tests.simulation.gateway import Gateway, Job, Span
from tests.simulation.history import History
from tests.simulation.listings import FILES, Listings
from tests.simulation.receivers import ENDPOINTS, Receivers

DAY = 86_400.0
WALL_START = 1_760_000_000.0
_BATCH = 12
_DISCOVERS = 0.3


@dataclass
class World:
    """Everything outside of the daemon, decided by `seed`, for `days` virtual days.

    `asked` has the daemon's life and the moment of every status request, `began` when each life
    began, `baselines` when discovery had committed a complete walk over the list. Lives that begin
    after `discovers_from` discover.
    """

    seed: int
    days: float = 5.0
    jobs_per_day: int = 10
    life: int = 0
    asked: list[tuple[int, float]] = field(default_factory=list)
    wall_offset: float = 0.0
    history: History = field(default_factory=History)
    discovers_from: float = math.inf
    began: list[float] = field(default_factory=list)
    baselines: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        jobs = self._jobs()
        outages = self._spans(self.rng.randrange(3), 6 * 3600)
        dead = {name: self._spans(self.rng.randrange(2), 3 * 3600) for name in ("all", "even")}
        self.gateway = Gateway(
            self.rng, {job.video_id: job for job in jobs}, outages, dead_keys=dead
        )
        down = {name: self._spans(self.rng.randrange(3), DAY) for name in ENDPOINTS}
        gone = {name: self._spans(int(self.rng.random() < 0.15), DAY) for name in ENDPOINTS}
        if self.rng.random() < 0.1:
            down["flaky"].append((0, 0.7 * self.days * DAY))
        self.receivers = Receivers(self.rng, down, gone)
        self.listings = Listings(self.rng, jobs, {name: self._breakages(jobs) for name in FILES})
        if self.rng.random() < _DISCOVERS:
            self.discover()

    def discover(self) -> None:
        """Have discovery turned on in one of the first days; no file lists half of the jobs."""
        self.discovers_from = self.rng.uniform(0, self.days * DAY * 0.3)
        self.listings.unlisted.update(
            video_id for video_id in self.gateway.jobs if self.rng.random() < 0.5
        )

    def wall(self) -> float:
        """Return the wall clock, which `jump` sets."""
        return WALL_START + trio.current_time() + self.wall_offset

    def jump(self) -> None:
        """Set the wall clock forward or back."""
        self.wall_offset += self.rng.choice([-3600, 3600, -DAY, 30 * DAY])

    def _spans(self, count: int, longest: float) -> list[Span]:
        starts = [self.rng.uniform(0, self.days * DAY * 0.7) for _ in range(count)]
        return [(start, start + self.rng.uniform(60, longest)) for start in starts]

    def _breakages(self, jobs: list[Job]) -> list[Span]:
        """Return when a file is broken: as a rule soon after a job began, where it hurts most."""
        starts = [job.at + self.rng.uniform(1, 100) for job in self.rng.sample(jobs, 4)]
        return [(start, start + self.rng.uniform(60, 2 * 3600)) for start in starts]

    def _jobs(self) -> list[Job]:
        """Make the jobs; half of them come a dozen at once."""
        count = int(self.days * self.jobs_per_day)
        batches = [self.rng.uniform(0, self.days * DAY * 0.6) for _ in range(count)]
        return [
            self._job(number, batches[number // _BATCH if number < count // 2 else number])
            for number in range(count)
        ]

    def _job(self, number: int, at: float) -> Job:
        ending = self.rng.choices(
            ["completed", "failed", "cancelled", "lost", "stuck"], [71, 12, 6, 8, 3]
        )[0]
        takes = self.rng.lognormvariate(4.8, 0.6)
        return Job(f"video_{number}", at, None if ending == "stuck" else at + takes, ending)

    async def _ask_gateway(self, parts: SplitResult, deadline: float) -> HttpResponse:
        name = unquote(parts.path.removeprefix("/v1/videos").strip("/"))
        if name:
            return await self.gateway.answer(name, deadline)
        return await self.gateway.page(dict(parse_qsl(parts.query)), deadline)

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Be the network: `notifier.http_client.HttpClient` for gateways and endpoints alike."""
        parts = urlsplit(request.url)
        host = str(parts.hostname)
        if host == "gateway":
            self.asked.append((self.life, trio.current_time()))
        await trio.sleep(self.rng.uniform(0.001, 0.3))
        if host == "gateway":
            reply = await self._ask_gateway(parts, request.deadline)
        else:
            reply = await self.receivers.answer(
                host,
                {**request.headers, **request.own_headers},
                request.body or b"",
                request.deadline,
            )
        await trio.sleep(self.rng.uniform(0.001, 0.3))
        return reply
