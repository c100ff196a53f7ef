"""A gateway that lists its videos, as well or as badly as a test says, and pollers for them."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import trio
from structlog.testing import capture_logs

from notifier.gateway import GatewayClient, GatewayRules
from notifier.http_client import HttpRequest, HttpResponse, RequestTemplate
from notifier.model.answer import Answer
from notifier.model.event import Ending
from notifier.model.video import Snapshot
from notifier.model.watch import Observation, Watch, WatchKey, WatchSpec
from notifier.polling import (
    GatewayScheduler,
    Poller,
    PollerDeps,
    PollRules,
    SchedulerLimits,
    Supervisor,
)
from notifier.polling.page_planner import Mode
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.wakeup import Wakeup
from tests.builders import rng

Item = dict[str, Any]
INTERVAL = 20.0


@dataclass
class ListingGateway:
    """Answers singly and in pages, the newest job (`jobs` are oldest first) at the head.

    `spoil` may change what a page says, `refuse` what a list request gets instead.
    """

    jobs: dict[str, Item] = field(default_factory=dict)
    spoil: Callable[[list[Item]], list[Item]] = lambda items: items
    refuse: Callable[[Mapping[str, str]], int | None] = lambda query: None
    ignores_after: bool = False
    most: int = 100
    asked: list[tuple[float, str]] = field(default_factory=list)
    answered: dict[str, list[float]] = field(default_factory=dict)

    def add(self, names: Sequence[str]) -> None:
        """Begin jobs that never end."""
        for name in names:
            self.jobs[name] = {"id": name, "object": "video", "status": "in_progress"}

    def start(self, requests: RequestTemplate, segment: str, done: object) -> bool:
        return False  # each request takes a task

    async def send(self, request: HttpRequest) -> HttpResponse:
        parts = urlsplit(request.url)
        name = parts.path.removeprefix("/v1/videos").strip("/")
        self.asked.append((trio.current_time(), name or f"?{parts.query}"))
        await trio.sleep(0.05)
        if name:
            return _reply(200, self._answer(name))
        refused = await self._before_page()
        if refused is not None:
            return refused
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        status = self.refuse(query)
        return _reply(status, {"error": {"message": "no"}}) if status else self._page(query)

    def _page(self, query: Mapping[str, str]) -> HttpResponse:
        names = list(reversed(self.jobs))
        after = None if self.ignores_after else query.get("after")
        if after is not None and after not in self.jobs:
            return _reply(400, {"error": {"message": "no such cursor"}})
        first = 0 if after is None else names.index(after) + 1
        page = names[first : first + min(int(query["limit"]), self.most)]
        more = first + len(page) < len(names)
        items = self.spoil([self._listed(name) for name in page])
        last = page[-1] if page else None
        return _reply(200, {"object": "list", "data": items, "has_more": more, "last_id": last})

    def _answer(self, name: str) -> Item:
        return self.jobs[name]

    def _listed(self, name: str) -> Item:
        return dict(self.jobs[name])

    async def _before_page(self) -> HttpResponse | None:
        """Return what a list request gets instead of a page."""
        return None

    @property
    def pages(self) -> list[str]:
        """The queries of all list requests."""
        return [what for _, what in self.asked if what.startswith("?")]

    def count(self, since: float = 0) -> int:
        """Return how many requests came since a moment."""
        return sum(at >= since for at, _ in self.asked)


def _reply(status: int, value: Item) -> HttpResponse:
    return HttpResponse(status, {}, json.dumps(value).encode())


class RecordingScheduler(GatewayScheduler):
    """Records when each slot got an answer."""

    answered: dict[str, list[float]]

    def wait(self, slot: PollSlot) -> None:
        """Wait for the first answer, or the next."""
        if not hasattr(self, "answered"):
            self.answered = {}
        self.answered.setdefault(slot.video_id, [])
        super().wait(slot)

    async def ask(self, slot: PollSlot) -> PollResult | None:
        """Ask, and record the answer."""
        asked = await super().ask(slot)
        if asked is not None:
            self.answered[slot.video_id].append(asked.at)
        return asked


class RecordingPoller(Poller):
    """Records in `answered` when it accepted an answer without being woken."""

    answered: Callable[[], Mapping[str, list[float]]]
    crashes = 0

    def accept(self, answer: Answer, at: float, now: float, *, counts: bool) -> bool:
        """Accept, and record it."""
        if self.crashes:
            self.crashes -= 1
            raise ArithmeticError
        accepted = super().accept(answer, at, now, counts=counts)
        if accepted:
            self.answered()[self.video_id].append(at)
        return accepted


class Watchers:
    """The pollers of one gateway, and the endings that they published."""

    def __init__(
        self,
        gateway: ListingGateway,
        mode: Mode,
        rate: float = 1000,
        give_up_after: float = float("inf"),
    ) -> None:
        self.gateway = gateway
        self.endings: list[Ending] = []
        self.ended_at: dict[str, float] = {}
        self.saved: list[Snapshot | None] = []
        self.logs: list[Any] = []
        self._pollers: dict[str, RecordingPoller] = {}
        self._rules = PollRules(PollIntervals(INTERVAL, 5.0), 120.0, give_up_after)
        self._scheduler_limits = SchedulerLimits(rate, 8, INTERVAL, mode)
        rules = GatewayRules("http://gateway/v1", dict, 30.0, {}, rewrites_ids=False)
        client = GatewayClient(rules, gateway, trio.current_time)
        now = trio.current_time
        self.scheduler = RecordingScheduler(
            "main", client, self._scheduler_limits, now=now, rng=rng()
        )

    @property
    def answered(self) -> Mapping[str, list[float]]:
        """When each video was answered."""
        return self.scheduler.answered

    def keep(self, reading: Observation) -> None:
        self.saved.append(reading.snapshot)

    def crash(self, video_id: str) -> None:
        """Make a poller crash on the next two answers from a page."""
        self._pollers[video_id].crashes = 2

    async def publish(self, ending: Ending) -> None:
        self.endings.append(ending)
        self.ended_at[ending.watch.key.video_id] = trio.current_time()
        await trio.lowlevel.checkpoint()

    def poller(self, watch: Watch) -> Poller:
        poller = RecordingPoller(
            watch,
            self.scheduler,
            PollerDeps(
                self,
                self,
                rules=lambda _: self._rules,
                now=trio.current_time,
                rng=rng(watch.row),
                history=JobHistory(),
            ),
        )
        poller.answered = lambda: self.answered
        self._pollers[poller.video_id] = poller
        return poller


@asynccontextmanager
async def watching(
    gateway: ListingGateway,
    names: Sequence[str],
    mode: Mode = "auto",
    *,
    starting: bool = True,
    rate: float = 1000,
    give_up_after: float = float("inf"),
) -> AsyncIterator[Watchers]:
    """Watch videos of a gateway."""
    watchers = Watchers(gateway, mode, rate, give_up_after)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watchers.scheduler.run)
        supervisor = Supervisor(
            nursery, watchers.poller, spread=lambda _: INTERVAL, rng=rng(), settled=Wakeup()
        )
        watches = [
            Watch(row, WatchSpec(WatchKey("main", name)), trio.current_time())
            for row, name in enumerate(names)
        ]
        supervisor.apply(watches, starting=starting)
        with capture_logs() as watchers.logs:
            yield watchers
        nursery.cancel_scope.cancel()
