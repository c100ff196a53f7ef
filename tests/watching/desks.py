"""A desk before a gateway that answers as it is told."""

import trio

from notifier.model.answer import Answer, Seen
from notifier.watching.desk import Desk
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


async def ask(desk: Desk, video_id: str, deadline: float = NEVER) -> Answer:
    return (await desk.ask(video_id, deadline, trio.current_time())).answer


def make_desk(gateway: Gateway, rate: float = 1000) -> Desk:
    return Desk("main", gateway, rate, in_flight=32, now=trio.current_time, rng=rng())
