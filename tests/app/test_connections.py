"""Connections while the config changes: drafted, then committed or discarded."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
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
class FakeClient:
    """A client that is told when no further request comes."""

    retired: bool = False

    async def retire(self) -> None:
        self.retired = True


@dataclass
class FakeNetwork:
    """Opens fake connections and counts them."""

    opened: int = 0
    closed: int = 0
    broken: bool = False

    def open(self, in_flight: int, route: Route) -> AbstractAsyncContextManager[PeerClient]:
        @asynccontextmanager
        async def opening() -> AsyncIterator[PeerClient]:
            if self.broken:
                raise TransportError("connect", "no certificates there")
            self.opened += 1
            yield cast("PeerClient", FakeClient())
            self.closed += 1

        return opening()


async def test_what_is_unchanged_keeps_its_connections_and_the_rest_is_closed_later(
    autojump_clock: MockClock,
) -> None:
    network = FakeNetwork()
    async with trio.open_nursery() as nursery:
        peers: Peers[str] = Peers(Connections(nursery, network.open))
        peers.commit(await peers.draft({"a": ("1", SECOND), "b": ("1", SECOND)}))
        before = peers.present
        peers.commit(await peers.draft({"a": ("2", SECOND), "c": ("1", OTHER)}))

        assert peers.present["a"].lease is before["a"].lease
        assert Difference.between(before, peers.present) == Difference(("c",), ("a",), ("b",))
        assert (network.opened, network.closed) == (3, 0)
        await trio.sleep(30)
        assert network.closed == 0  # a request may still be under way
        await trio.sleep(10)
        assert network.closed == 1
        nursery.cancel_scope.cancel()


async def test_a_draft_that_fails_leaves_nothing_open(autojump_clock: MockClock) -> None:
    network = FakeNetwork()
    async with trio.open_nursery() as nursery:
        peers: Peers[str] = Peers(Connections(nursery, network.open))
        peers.commit(await peers.draft({"a": ("1", SECOND)}))
        drafted = await peers.draft({"a": ("1", SECOND), "b": ("1", OTHER)})
        network.broken = True
        with pytest.raises(TransportError):
            await peers.draft({"a": ("1", OTHER)})
        peers.discard(drafted)
        await trio.sleep(60)

        assert (network.opened, network.closed) == (2, 1)
        assert list(peers.present) == ["a"]
        nursery.cancel_scope.cancel()
