"""How long transfers may take, in virtual time: only five minutes without a byte end one."""

import socket
from collections.abc import Awaitable, Callable

import pytest
import trio
from starlette.types import Message
from trio.testing import MockClock

from notifier.errors import TransportError
from notifier.http_client.streamed_answer import StreamedHead
from notifier.http_server.client_stream import ClientStream
from notifier.net import TcpStream
from notifier.passthrough.targets import RefusedError
from notifier.passthrough.transfer import Outgoing, Transfer
from tests.passthrough.rig import VIDEO, FakeDaemon

LIMIT = 30.0
"""The gateway's `request_timeout`, in seconds."""
FIVE_MINUTES = 300.0


class SlowExchange:
    """An exchange whose head comes after `wait` seconds and each piece after its own."""

    def __init__(self, wait: float, pieces: list[tuple[float, bytes]]) -> None:
        self._wait = wait
        self._pieces = pieces

    async def head(self) -> StreamedHead:
        await trio.sleep(self._wait)
        return StreamedHead(200, [(b"content-type", b"text/event-stream")])

    async def read(self) -> bytes:
        if not self._pieces:
            return b""
        wait, piece = self._pieces.pop(0)
        await trio.sleep(wait)
        return piece

    async def send(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()

    def all_sent(self) -> None:
        pass

    def close(self) -> None:
        pass


async def passed(
    exchange: SlowExchange,
    *,
    receive: Callable[[], Awaitable[Message]] = trio.sleep_forever,
    more_body: bool = False,
) -> bytes:
    """Pass a request on to a gateway that answers so; return the body that the caller got."""
    got: list[bytes] = []

    class Client:
        async def open(self, *_: object, **__: object) -> SlowExchange:
            await trio.lowlevel.checkpoint()
            return exchange

    async def send(message: Message) -> None:
        got.append(message.get("body", b""))

    daemon = FakeDaemon(0, request_timeout=LIMIT)
    daemon.client = Client()  # type: ignore[assignment]
    upstream = daemon.upstream("main")
    assert upstream is not None
    ours, theirs = socket.socketpair()
    with ours, theirs:
        outgoing = Outgoing("POST", b"", b"", more_body, chunked=False, reads_answer=True)
        client = ClientStream(TcpStream(ours), FIVE_MINUTES)
        transfer = Transfer(outgoing, upstream, receive, send, client)

        async def whole(*_: object) -> dict[str, str]:
            await trio.lowlevel.checkpoint()
            return {}

        await transfer.run(whole, {})
    return b"".join(got)


@pytest.mark.parametrize("wait", [45.0, 60.0, 299.0])
async def test_a_create_may_be_answered_late(wait: float, autojump_clock: MockClock) -> None:
    assert await passed(SlowExchange(wait, [(0, VIDEO)])) == VIDEO
    assert trio.current_time() >= wait


async def test_events_may_be_silent_for_a_minute_again_and_again(
    autojump_clock: MockClock,
) -> None:
    pieces = [(60.0, b"data: x\n\n")] * 60
    assert await passed(SlowExchange(0, list(pieces))) == b"data: x\n\n" * 60


async def test_a_download_may_take_any_time(autojump_clock: MockClock) -> None:
    pieces = [(0.5, bytes(10))] * 7200
    assert await passed(SlowExchange(0, list(pieces))) == bytes(72_000)


async def test_five_minutes_without_an_answer_are_a_504(autojump_clock: MockClock) -> None:
    began = trio.current_time()
    with pytest.raises(RefusedError) as refused:
        await passed(SlowExchange(301, [(0, VIDEO)]))
    assert refused.value.status == 504
    assert trio.current_time() - began == pytest.approx(FIVE_MINUTES)


async def test_five_minutes_of_silence_break_an_answer(autojump_clock: MockClock) -> None:
    with pytest.raises(TransportError):
        await passed(SlowExchange(0, [(299.0, b"a"), (301.0, b"b")]))
    assert trio.current_time() == pytest.approx(299 + FIVE_MINUTES, abs=1)


async def test_five_minutes_without_the_rest_of_a_body_are_a_408(
    autojump_clock: MockClock,
) -> None:
    with pytest.raises(RefusedError) as refused:
        await passed(SlowExchange(10_000, []), more_body=True)
    assert refused.value.status == 408
