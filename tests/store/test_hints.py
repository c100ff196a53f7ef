"""Hints reach the other instances, once each, and again after the connection was lost."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
import trio

from notifier.model.hint import Hint, HintKind
from notifier.store import ThreadExecutor
from notifier.store.postgres.hints import Hints
from tests.postgres import Server

MAIL = Hint(HintKind.MAIL, "watch:main:1")
DELIVERIES = Hint(HintKind.DELIVERIES, "app")
LEASES = Hint(HintKind.LEASES, "")


class Instance:
    """Sends hints, and keeps what it hears."""

    def __init__(self, url: str) -> None:
        self.hints = Hints(lambda: url, ThreadExecutor())
        self.heard: list[Hint] = []

    async def listen(self) -> None:
        async with aclosing(self.hints.heard()) as heard:
            async for hint in heard:
                self.heard.append(hint)

    async def hears(self, hint: Hint, sender: "Instance") -> None:
        """Wait until this instance hears `hint`, which may be lost while it connects."""
        with trio.fail_after(20):
            while hint not in self.heard:
                sender.hints.send(*hint)
                await trio.sleep(0.05)


@asynccontextmanager
async def listening(*instances: Instance) -> AsyncIterator[None]:
    """Have instances listen for as long as the block lasts."""
    async with trio.open_nursery() as nursery:
        for instance in instances:
            nursery.start_soon(instance.listen)
        yield
        nursery.cancel_scope.cancel()


@pytest.fixture
def pair(server: Server) -> tuple[Instance, Instance]:
    url = server.new_url()
    return Instance(url), Instance(url)


async def test_a_hint_reaches_the_other_instance_and_not_its_sender(
    pair: tuple[Instance, Instance],
) -> None:
    one, other = pair
    async with listening(one, other):
        await other.hears(MAIL, one)
        await one.hears(DELIVERIES, other)
    assert set(one.heard) == {DELIVERIES}
    assert set(other.heard) == {MAIL}


async def test_a_hint_that_is_sent_often_before_it_leaves_is_sent_once(
    pair: tuple[Instance, Instance],
) -> None:
    one, other = pair
    async with listening(one, other):
        await other.hears(MAIL, one)
        for _ in range(100):
            one.hints.send(*DELIVERIES)
        await other.hears(LEASES, one)
    assert other.heard.count(DELIVERIES) == 1


async def test_hints_are_heard_again_after_the_connection_was_lost(
    server: Server, pair: tuple[Instance, Instance]
) -> None:
    one, other = pair
    async with listening(one, other):
        await other.hears(MAIL, one)
        server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'notifier-hints'"
        )
        other.heard.clear()
        await other.hears(DELIVERIES, one)
