"""Discovery with a real store and scheduler, and a gateway whose list a test sets."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from notifier.discovery import Discovery, DiscoveryDeps, DiscoveryRules
from notifier.gateway import Dialect, Page
from notifier.gateway.pages import read_page
from notifier.http_client import Outcome
from notifier.metrics import Metrics
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.status import Status
from notifier.model.watch import Watch
from notifier.polling import GatewayScheduler, SchedulerLimits
from notifier.polling.page_planner import Mode
from notifier.store import Store
from notifier.wakeup import Wakeup
from tests.builders import START, Time, memory_store, rng, snapshot
from tests.discovery.lists import JobList
from tests.discovery.looks import DAYS_BOUNDS

INTERVAL = 20.0


@dataclass
class Gateway:
    """Answers from `listed`; `failures` are what the next requests get instead."""

    listed: JobList = field(default_factory=lambda: JobList(page_size=100))
    failures: list[PollError | Unauthorized] = field(default_factory=list)
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[float, str]] = field(default_factory=list)

    def start(self, video_id: str, done: Callable[[Outcome], None]) -> bool:
        return False  # each request takes a task

    def read_outcome(self, video_id: str, outcome: Outcome) -> Answer | None:
        raise AssertionError

    async def retrieve(self, video_id: str) -> Answer:
        self.asked.append((trio.current_time(), video_id))
        if video_id in self.answers:
            return self.answers[video_id]
        jobs = {job.video_id: job for job in self.listed.jobs}
        if video_id not in jobs:
            return NotFound("no such video")
        ended = Status.COMPLETED if jobs[video_id].ended else Status.IN_PROGRESS
        return Seen(snapshot(ended, video_id))

    async def list_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        self.asked.append((trio.current_time(), f"?limit={limit}&after={after}"))
        if self.failures:
            return self.failures.pop(0)
        page = self.listed.page(after)
        if page is None:
            return PollError("http_400", status=400)
        items = [
            f'{{"id":"{video.video_id}","created_at":{video.created_at},'
            f'"status":"{"completed" if video.ended else "queued"}"}}'
            for video in page.videos
        ]
        more = "true" if page.has_more else "false"
        body = f'{{"data":[{",".join(items)}],"has_more":{more}}}'
        read = read_page(200, {}, body.encode(), dialect=Dialect({}, rewrites_ids=False), wall=0)
        assert isinstance(read, Page)
        return read

    def pages(self) -> list[float]:
        """Return when pages were asked for."""
        return [at for at, what in self.asked if what.startswith("?")]


@dataclass
class Setup:
    """A discovery that runs, and the ids of the watches that it `opened`."""

    gateway: Gateway
    store: Store
    scheduler: GatewayScheduler
    discovery: Discovery
    opened: list[str]


@asynccontextmanager
async def discovering(
    gateway: Gateway,
    *,
    store: Store | None = None,
    lists: Mode = "auto",
) -> AsyncIterator[Setup]:
    """Run discovery for as long as the block lasts."""
    store = store or memory_store(Time())
    opened: list[str] = []

    def open_(watches: Sequence[Watch]) -> None:
        opened.extend(watch.key.video_id for watch in watches)

    async with trio.open_nursery() as nursery:
        scheduler = GatewayScheduler(
            "main",
            gateway,
            SchedulerLimits(1000, 32, INTERVAL, lists),
            now=trio.current_time,
            rng=rng(),
        )
        deps = DiscoveryDeps(
            store,
            scheduler.unplanned,
            open_,
            trio.Lock(),
            lambda: START + trio.current_time(),
            trio.current_time,
            rng(),
            Metrics(),
            Wakeup(),
        )
        discovery = Discovery(DiscoveryRules("main", "url", INTERVAL, DAYS_BOUNDS), deps)
        scheduler.unplanned.listen(discovery)
        nursery.start_soon(scheduler.run)
        nursery.start_soon(discovery.run)
        await trio.sleep(0.5)
        yield Setup(gateway, store, scheduler, discovery, opened)
        nursery.cancel_scope.cancel()
