"""The simulated endpoints, and the books they keep of what reached them.

An endpoint is one host at a time: when its operator gives it another URL, the old host answers
410 from then on. Some are down for a while, some for a week, some take an event and are cut
off before they can say so, and one will never take certain events.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from zlib import crc32

import trio

from notifier.errors import TransportError
from notifier.http_client import HttpResponse
from tests.simulation.gateway import Span, within

ENDPOINTS = ("app", "ops", "flaky")
_ONE_IN = 25


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
class Receivers:
    """All endpoints. `down` has the spans in which each of them fails, `gone` likewise.

    `unreached` has the time before each change of URL since it had last taken anything.
    """

    rng: Random
    down: dict[str, list[Span]]
    gone: dict[str, list[Span]]
    posts: list[Post] = field(default_factory=list)
    unreached: dict[str, list[Span]] = field(default_factory=lambda: {n: [] for n in ENDPOINTS})
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENDPOINTS, 1))
    poisoned: bool = field(init=False)
    lose_answer: float = field(init=False)

    def __post_init__(self) -> None:
        self.lose_answer = self.rng.choice([0.0, 0.05, 0.2])
        self.poisoned = self.rng.random() < 0.3

    def url(self, name: str) -> str:
        """Return where the endpoint is today."""
        return f"http://{name}-{self.versions[name]}/"

    def move(self, name: str) -> None:
        """Give the endpoint another URL; nobody listens at the old one any more."""
        now = trio.current_time()
        taken = [post.at for post in self.posts if post.endpoint == name and post.taken]
        self.versions[name] += 1
        self.gone[name] = [span for span in self.gone[name] if span[1] < now]
        self.unreached[name].append((max(taken, default=0.0), now))

    def refuses_for_good(self, endpoint: str, event_id: str) -> bool:
        """Tell whether the endpoint will never take this event."""
        hated = crc32(event_id.encode()) % _ONE_IN == 0
        return self.poisoned and endpoint == "flaky" and hated

    async def answer(
        self, host: str, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> HttpResponse:
        """Answer one POST; raises TransportError."""
        name, _, version = host.partition("-")
        now, event_id = trio.current_time(), headers["webhook-id"]
        post = Post(name, now, event_id, int(headers["webhook-timestamp"]), body)
        self.posts.append(post)
        if int(version) != self.versions[name] or within(self.gone[name], now):
            return HttpResponse(410, {}, b"")
        if within(self.down[name], now):
            return await self._failure(deadline)
        if self.refuses_for_good(name, event_id):
            return HttpResponse(400, {}, b"")
        post.taken = True
        if self.rng.random() < self.lose_answer:
            # processed, but the sender never learns of it
            raise TransportError("reset", "")
        return HttpResponse(204, {}, b"")

    async def _failure(self, deadline: float) -> HttpResponse:
        if self.rng.random() < 0.5:
            await trio.sleep(deadline)
            raise TransportError("timeout", "")
        headers = {"retry-after": self.rng.choice(["1", "600", "1e300", "soon", "-5"])}
        return HttpResponse(self.rng.choice([500, 502, 503, 404, 429, 302]), headers, b"")
