"""A cancelled request gives back its slot and its connection, wherever it was cancelled."""

from pathlib import Path
from random import Random

import trio

from notifier.errors import TransportError
from notifier.http_client import PeerClient
from tests.http_client.raw import OK, Answer, Server, get, serving, serving_tls

IN_FLIGHT = 8
LONGEST_WAIT = 0.002
"""Longest time until a request is cancelled, in seconds: about what an exchange takes here."""


def unpredictable(dice: Random) -> Answer:
    """Return an answer that comes at once, late, in pieces or not at all."""

    async def answer(stream: trio.abc.Stream) -> None:
        draw = dice.random()
        if draw < 0.01:
            await stream.receive_some()  # until it goes away
            return
        if draw < 0.5:
            await trio.sleep(dice.random() * LONGEST_WAIT)
        if draw < 0.25:
            await stream.send_all(OK[:20])
            await trio.sleep(dice.random() * LONGEST_WAIT)
            await stream.send_all(OK[20:-1])
            await trio.sleep(dice.random() * LONGEST_WAIT)
            await stream.send_all(OK[-1:])
        else:
            await stream.send_all(OK)

    return answer


async def cancelled(client: PeerClient, server: Server, dice: Random) -> None:
    """Send a request and give it up: mostly by a cancellation, at times by a deadline."""
    after = dice.random() * LONGEST_WAIT
    try:
        if dice.random() < 0.1:
            await get(client, server, deadline=after)
        else:
            with trio.move_on_after(after):
                await get(client, server)
    except TransportError as error:
        assert error.kind == "timeout"  # noqa: PT017 - no trouble at all is the usual case


async def cancel_many(client: PeerClient, server: Server, dice: Random, times: int) -> None:
    with trio.fail_after(600):
        async with trio.open_nursery() as nursery:
            for _ in range(times):
                nursery.start_soon(cancelled, client, server, dice)
                if dice.random() < 0.2:
                    await trio.sleep(dice.random() * LONGEST_WAIT)


async def fully_served(client: PeerClient, server: Server) -> None:
    """Check that all slots can be used at the same time, on no more connections than slots."""
    together = trio.Event()
    waiting = 0

    async def answer(stream: trio.abc.Stream) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == IN_FLIGHT:
            together.set()
        await together.wait()
        await stream.send_all(OK)

    server.answer = answer
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for _ in range(IN_FLIGHT):
                nursery.start_soon(get, client, server)
    await server.has_at_most(IN_FLIGHT)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_ten_thousand_cancellations_cost_no_slot_and_no_connection() -> None:
    dice = Random(1)
    before = descriptors()
    async with serving(unpredictable(dice), IN_FLIGHT) as (server, client):
        await cancel_many(client, server, dice, 10_000)
        await fully_served(client, server)
    assert descriptors() == before


async def test_nor_do_cancellations_within_tls(tmp_path: Path) -> None:
    dice = Random(2)
    before = descriptors()
    async with serving_tls(unpredictable(dice), tmp_path / "ca.pem", IN_FLIGHT) as (
        server,
        client,
    ):
        await cancel_many(client, server, dice, 1000)
        await fully_served(client, server)
    assert descriptors() == before
