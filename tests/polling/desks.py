"""A desk before a gateway that answers as it is told."""

import trio

from notifier.gateway import Page
from notifier.metrics import Metrics
from notifier.model.answer import Answer, Denied, Seen, Trouble
from notifier.polling import Desk, DeskRules
from notifier.polling.seat import Seat
from tests.builders import rng, snapshot

NEVER = float("inf")


class Gateway:
    """Answers as `answers` says per video (or `good`), and keeps the times of requests."""

    def __init__(self) -> None:
        self.answer: Answer = Seen(snapshot())
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[float, str]] = []
        self.takes = 0.0

    async def retrieve(self, video_id: str) -> Answer:
        self.asked.append((trio.current_time(), video_id))
        await trio.sleep(self.takes)
        return self.answers.get(video_id, self.answer)

    async def list_page(self, limit: int, after: str | None) -> Page | Denied | Trouble:
        self.asked.append((trio.current_time(), f"?limit={limit}&after={after}"))
        await trio.sleep(self.takes)
        return Trouble("http_404", status=404)


async def ask(desk: Desk, video_id: str, deadline: float = NEVER) -> Answer:
    """Ask now, as a poller does that was due."""
    now = trio.current_time()
    seat = Seat(video_id)
    seat.due, seat.soonest, seat.deadline = now, now, deadline
    desk.wait(seat)
    while True:
        await seat.park()
        asked = await desk.ask(seat)
        if asked is not None:
            return asked.answer


def rules(rate: float = 1000, in_flight: int = 32) -> DeskRules:
    return DeskRules(rate, in_flight, poll_interval=20)


def make_desk(
    nursery: trio.Nursery,
    gateway: Gateway,
    rate: float = 1000,
    in_flight: int = 32,
    metrics: Metrics | None = None,
) -> Desk:
    """Open a desk whose clerk works in `nursery`."""
    desk = Desk(
        "main",
        gateway,
        rules(rate, in_flight),
        now=trio.current_time,
        rng=rng(),
        metrics=metrics,
    )
    nursery.start_soon(desk.run)
    return desk
