"""A scheduler with a gateway that answers as a test says."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import trio

from notifier.gateway import Page
from notifier.http_client import Outcome
from notifier.metrics import Metrics
from notifier.model.answer import Answer, PollError, Seen, Unauthorized
from notifier.polling import GatewayScheduler, SchedulerLimits
from notifier.polling.poll_slot import PollSlot
from tests.builders import rng, snapshot

NEVER = float("inf")
_SLOTS: WeakKeyDictionary[GatewayScheduler, dict[str, PollSlot]] = WeakKeyDictionary()
"""A poller keeps its slot."""


class Gateway:
    """Answers as `answers` says per video (or `good`), and keeps the times of requests."""

    def __init__(self) -> None:
        self.answer: Answer = Seen(snapshot())
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[float, str]] = []
        self.takes = 0.0

    def start(self, video_id: str, done: Callable[[Outcome], None]) -> bool:
        return False  # each request takes a task

    def read_outcome(self, video_id: str, outcome: Outcome) -> Answer | None:
        raise AssertionError

    async def retrieve(self, video_id: str) -> Answer:
        self.asked.append((trio.current_time(), video_id))
        await trio.sleep(self.takes)
        return self.answers.get(video_id, self.answer)

    async def list_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        self.asked.append((trio.current_time(), f"?limit={limit}&after={after}"))
        await trio.sleep(self.takes)
        return PollError("http_404", status=404)


async def ask(
    scheduler: GatewayScheduler, video_id: str, deadline: float = NEVER, due_in: float = 0.0
) -> Answer:
    """Ask like a poller that is due now, or later."""
    now = trio.current_time() + due_in
    slot = _SLOTS.setdefault(scheduler, {}).setdefault(video_id, PollSlot(video_id))
    slot.due, slot.earliest, slot.deadline = now, now, deadline
    scheduler.wait(slot)
    while True:
        await slot.park()
        asked = await scheduler.ask(slot)
        if asked is not None:
            return asked.answer


def rules(rate: float = 1000, in_flight: int = 32) -> SchedulerLimits:
    return SchedulerLimits(rate, in_flight, poll_interval=20)


def make_scheduler(
    nursery: trio.Nursery,
    gateway: Gateway,
    rate: float = 1000,
    in_flight: int = 32,
    metrics: Metrics | None = None,
    allowed: Callable[[], bool] = lambda: True,
) -> GatewayScheduler:
    """Return a scheduler that runs in `nursery`."""
    scheduler = GatewayScheduler(
        "main",
        gateway,
        rules(rate, in_flight),
        now=trio.current_time,
        rng=rng(),
        metrics=metrics,
        allowed=allowed,
    )
    nursery.start_soon(scheduler.run)
    return scheduler
