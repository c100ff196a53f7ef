"""Connections while the config changes: drafted, then committed or discarded."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import pytest
import trio
from trio.testing import MockClock

from notifier.app.connections import Connections, Difference, Link, Peers
from notifier.errors import TransportError
from notifier.http_client import PeerClient, Route

SECOND = Link(Route(), 1, 30.0)
OTHER = Link(Route(proxy="http://proxy.example:3128"), 1, 30.0)


@dataclass
class World:
    """Counts what is open."""

    opened: int = 0
    closed: int = 0
    broken: bool = False
    clients: list[object] = field(default_factory=list)

    def open(self, in_flight: int, route: Route) -> AbstractAsyncContextManager[PeerClient]:
        @asynccontextmanager
        async def opening() -> AsyncIterator[PeerClient]:
            if self.broken:
                raise TransportError("connect", "no certificates there")
            self.opened += 1
            yield cast("PeerClient", object())
            self.closed += 1

        return opening()


async def test_what_is_unchanged_keeps_its_connections_and_the_rest_is_closed_later(
    autojump_clock: MockClock,
) -> None:
    world = World()
    async with trio.open_nursery() as nursery:
        peers: Peers[str] = Peers(Connections(nursery, world.open))
        peers.commit(await peers.draft({"a": ("1", SECOND), "b": ("1", SECOND)}))
        before = peers.present
        peers.commit(await peers.draft({"a": ("2", SECOND), "c": ("1", OTHER)}))

        assert peers.present["a"].lease is before["a"].lease
        assert Difference.between(before, peers.present) == Difference(("c",), ("a",), ("b",))
        assert (world.opened, world.closed) == (3, 0)
        await trio.sleep(30)
        assert world.closed == 0  # somebody may still wait for an answer
        await trio.sleep(10)
        assert world.closed == 1
        nursery.cancel_scope.cancel()


async def test_a_draft_that_fails_leaves_nothing_open(autojump_clock: MockClock) -> None:
    world = World()
    async with trio.open_nursery() as nursery:
        peers: Peers[str] = Peers(Connections(nursery, world.open))
        peers.commit(await peers.draft({"a": ("1", SECOND)}))
        drafted = await peers.draft({"a": ("1", SECOND), "b": ("1", OTHER)})
        world.broken = True
        with pytest.raises(TransportError):
            await peers.draft({"a": ("1", OTHER)})
        peers.discard(drafted)
        await trio.sleep(60)

        assert (world.opened, world.closed) == (2, 1)
        assert list(peers.present) == ["a"]
        nursery.cancel_scope.cancel()
