"""A name that moves to another address is followed, at the latest when its connections are old."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from notifier.http_client import HttpRequest, PeerClient, Route, open_client

NAME = "moving.example"
AGE = 300.0
FIRST, SECOND = "127.0.0.1", "127.0.0.2"


@dataclass
class Host:
    """A machine with one address, which answers with that address once it may."""

    address: str
    asked: trio.Event = field(default_factory=trio.Event)
    may_answer: trio.Event = field(default_factory=trio.Event)

    async def serve(self, stream: trio.abc.Stream) -> None:
        body = self.address.encode()
        while await stream.receive_some():
            self.asked.set()
            await self.may_answer.wait()
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n" + body)


@dataclass
class Network:
    """Two hosts with the same port, and a name that resolves to the `present` one's address."""

    first: Host
    second: Host
    port: int
    present: str = FIRST

    def look_up(self, host: str, *rest: int, **options: int) -> list[Any]:
        return REAL(self.present if host == NAME else host, *rest, **options)

    async def ask(self, client: PeerClient) -> str:
        url = f"http://{NAME}:{self.port}/"
        request = HttpRequest("GET", url, {}, deadline=10 * AGE, max_body=9)
        return (await client.send(request)).body.decode()


REAL = socket.getaddrinfo


@asynccontextmanager
async def network(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Network]:
    first, second = Host(FIRST), Host(SECOND)
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, first.serve, 0, host=FIRST))
        port = listener.socket.getsockname()[1]
        await nursery.start(partial(trio.serve_tcp, second.serve, port, host=SECOND))
        present = Network(first, second, port)
        monkeypatch.setattr(socket, "getaddrinfo", present.look_up)
        yield present
        nursery.cancel_scope.cancel()


async def test_an_idle_connection_to_the_former_address_is_not_used_beyond_its_age(
    mock_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = Route(max_connection_age=AGE)
    async with network(monkeypatch) as net, open_client(1, route) as client:
        net.first.may_answer.set()
        net.second.may_answer.set()
        assert await net.ask(client) == FIRST
        net.present = SECOND
        # in steps, as a connection that is idle for two minutes is closed for that reason
        for _ in range(3):
            mock_clock.jump(AGE / 4)
            assert await net.ask(client) == FIRST
        mock_clock.jump(AGE / 4)
        assert await net.ask(client) == SECOND


async def test_an_exchange_that_outlives_the_age_of_its_connection_is_not_cut(
    mock_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = Route(max_connection_age=AGE)
    async with network(monkeypatch) as net, open_client(1, route) as client:
        net.second.may_answer.set()
        answers: list[str] = []

        async def ask() -> None:
            answers.append(await net.ask(client))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await net.first.asked.wait()
            net.present = SECOND
            mock_clock.jump(2 * AGE)
            net.first.may_answer.set()
        assert answers == [FIRST]
        assert await net.ask(client) == SECOND


async def test_a_retired_client_closes_what_is_idle_and_finishes_what_is_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with network(monkeypatch) as net, open_client(1, Route()) as client:
        net.second.may_answer.set()
        answers: list[str] = []

        async def ask() -> None:
            answers.append(await net.ask(client))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await net.first.asked.wait()
            await client.retire()
            net.present = SECOND
            net.first.may_answer.set()
        assert answers == [FIRST]
        assert await net.ask(client) == SECOND
