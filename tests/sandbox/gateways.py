"""A sandbox on loopback whose clock a test sets."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx
import trio

from notifier.http_server import serve
from notifier.sandbox import Fault, Sandbox
from tests.http_server.client import ask

BORN = 1_760_627_077.0


@dataclass(slots=True)
class ManualClock:
    """A clock that a test sets: `at` is Unix seconds."""

    at: float = BORN

    def __call__(self) -> float:
        return self.at


@dataclass(slots=True)
class Gateway:
    """A running sandbox, its clock, and a client for it."""

    sandbox: Sandbox
    clock: ManualClock
    port: int
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str) -> httpx.Response:
        return await ask(self.port, "GET", f"/v1/videos{path}", headers=self.headers)

    async def post(self, **fields: Any) -> httpx.Response:  # noqa: ANN401 - any JSON
        return await ask(self.port, "POST", "/v1/videos", headers=self.headers, json=fields)

    async def delete(self, path: str) -> httpx.Response:
        return await ask(self.port, "DELETE", f"/v1/videos{path}", headers=self.headers)


async def open_gateway(
    nursery: trio.Nursery,
    *,
    profile: str = "openai",
    speed: float = 1.0,
    faults: tuple[Fault, ...] = (),
    api_key: str | None = None,
) -> Gateway:
    clock = ManualClock()
    sandbox = Sandbox(
        profile=profile,
        speed=speed,
        faults=faults,
        api_key=api_key,
        now=clock,
        rng=Random(7),
    )
    return Gateway(sandbox, clock, await nursery.start(serve, sandbox.handle))
