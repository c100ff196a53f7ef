"""When the reactor calls back: at once, or together with what arrives until the next tick."""

import select
import socket
import sys
from itertools import pairwise

import pytest
import trio
import trio.lowlevel

from notifier.http_client import reactor as reactor_module
from notifier.http_client.reactor import make_reactor
from notifier.wakeup import next_tick

pytestmark = pytest.mark.skipif(
    not hasattr(select, "epoll"), reason=f"{sys.platform} has no epoll: tasks wait for sockets"
)


async def served_at(rounds: int, *, may_wait: bool, pause: float = 0.0) -> list[float]:
    """Send one byte after the other, each `pause` seconds after the one before was served."""
    moments: list[float] = []
    reactor = make_reactor()
    here, there = socket.socketpair()
    with here, there, trio.fail_after(60):
        came = trio.Event()

        def serve() -> None:
            there.recv(1)
            moments.append(trio.current_time())
            came.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(reactor.run, lambda: may_wait)
            reactor.watch(there.fileno(), serve)
            for _ in range(rounds):
                await trio.sleep(pause)
                here.send(b"x")
                await came.wait()
                came = trio.Event()
            reactor.forget(there.fileno())
            nursery.cancel_scope.cancel()
    return moments


async def test_while_data_keeps_arriving_it_is_served_once_a_tick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reactor_module, "_CLOSE_TOGETHER", 60.0)  # however busy this machine is
    first, *later = await served_at(6, may_wait=True)
    assert first < later[0]
    assert all(after >= next_tick(before) for before, after in pairwise(later))


async def test_data_that_comes_once_a_tick_or_so_is_served_at_once() -> None:
    moments = await served_at(40, may_wait=True, pause=0.01)
    assert any(after < next_tick(before) for before, after in pairwise(moments[1:]))


async def test_data_is_served_at_once_while_a_request_waits_for_it() -> None:
    moments = await served_at(200, may_wait=False)
    assert any(after < next_tick(before) for before, after in pairwise(moments))


async def test_the_first_data_is_served_at_once() -> None:
    at_once = []
    for _ in range(20):
        first, second = await served_at(2, may_wait=True)
        at_once.append(second < next_tick(first))
    assert any(at_once)
