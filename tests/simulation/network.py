"""The network of one life of the daemon: what leads to the world, with and without tasks."""

from collections.abc import Callable
from random import Random
from typing import Protocol

import trio

from notifier.errors import TransportError
from notifier.http_client import HttpRequest, HttpResponse, Outcome, RequestTemplate

_NO_CONNECTION, _CLOSED = 0.1, 0.02


class World(Protocol):
    """Where requests lead."""

    rng: Random

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""


class Network:
    """A `PollingClient` whose requests without a task run in `nursery`, once it is set."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.nursery: trio.Nursery | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        """Pass a request to the world."""
        return await self._world.send(request)

    def start(
        self, requests: RequestTemplate, segment: str, done: Callable[[Outcome], None]
    ) -> bool:
        """Pass a request to the world, unless no connection is kept."""
        if self.nursery is None or self._world.rng.random() < _NO_CONNECTION:
            return False
        self.nursery.start_soon(self._exchange, requests.request(segment), done)
        return True

    async def _exchange(self, request: HttpRequest, done: Callable[[Outcome], None]) -> None:
        outcome: Outcome = None
        if self._world.rng.random() >= _CLOSED:
            try:
                outcome = await self._world.send(request)
            except TransportError as error:
                outcome = error
        done(outcome)
