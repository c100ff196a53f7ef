"""How transfers end: no caller takes a part for the whole, and no gateway is left waiting."""

import pytest
import trio

from notifier.passthrough import transfer
from tests.passthrough.rig import TOKEN, VIDEO, Rig, answer, created, get, parts, post, rig

CONTENT = "/main/v1/videos/video_1/content"
PATIENCE = 20.0
OLD = get(CONTENT).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
"""A request whose answer ends with the connection when its length is not known."""


async def begin_without_end(stream: trio.SocketStream, _request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nabcd\r\n")


async def first_bytes(stream: trio.SocketStream) -> None:
    received = b""
    with trio.fail_after(PATIENCE):
        while b"abcd" not in received:
            received += await stream.receive_some()


async def test_the_daemons_end_breaks_an_answer_that_is_under_way() -> None:
    async with rig(begin_without_end) as here:
        stream = await here.send(OLD)
        await first_bytes(stream)
        here.stop_serving()
        with trio.fail_after(PATIENCE), pytest.raises(trio.BrokenResourceError):
            await stream.receive_some()


async def test_a_caller_that_reads_slowly_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's bytes wait for longer than a silence may take, as the caller is so slow."""
    size = 24 << 20

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        await stream.send_all(bytes(size))

    monkeypatch.setattr(transfer, "SILENCE", 0.4)
    async with rig(behave) as here:
        stream = await here.send(get(CONTENT))
        received = 0
        with trio.fail_after(PATIENCE):
            await trio.sleep(1)
            while piece := await stream.receive_some(1 << 20):
                received += len(piece)
        assert received > size


async def test_a_body_that_the_gateway_stopped_taking_never_gets_a_hole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A piece that was given up half way ends the body there: the rest would be taken for it."""
    body = b"".join(b"%15d\n" % number for number in range(1 << 20))
    got = bytearray()

    async def behave(stream: trio.SocketStream, request: bytes) -> None:
        await begin_without_end(stream, request)
        for _ in range(12):
            await trio.sleep(0.1)
            await stream.send_all(b"1\r\nx\r\n")
        await stream.send_all(b"0\r\n\r\n")
        got.extend(request.partition(b"\r\n\r\n")[2])
        with trio.move_on_after(2):
            while piece := await stream.receive_some(1 << 20):
                got.extend(piece)

    monkeypatch.setattr(transfer, "SILENCE", 0.4)
    async with rig(behave) as here:
        with trio.fail_after(PATIENCE):
            await here.ask(post(body=body))
            await here.gateway_saw_end.wait()
        assert body.startswith(got)


async def test_a_caller_whose_body_stops_coming_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "SILENCE", 0.3)
    async with rig() as here:
        assert parts(await here.ask(post(body=b"x" * 100)[:-50]))[0] == 408
        with trio.fail_after(PATIENCE):
            await here.gateway_saw_end.wait()
        assert here.daemon.added == []


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"-2\r\n{}\r\n",
        b"2\r\n{}xx0\r\n\r\n",
        b"f" * 40 + b"\r\n{}\r\n",
    ],
)
async def test_chunks_of_a_request_that_go_bad_never_end_it_at_the_gateway(body: bytes) -> None:
    """What the caller meant is not known: the gateway sees a request that breaks off."""
    received = b""

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        nonlocal received
        while piece := await stream.receive_some():
            received += piece

    head = post(body=b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
    async with rig(behave) as here:
        stream = await here.send(head + b"5\r\nabcde\r\n")
        await asked(here, 1)
        await stream.send_all(body)
        with trio.fail_after(PATIENCE):
            await here.gateway_saw_end.wait()
        assert not received.endswith(b"0\r\n\r\n")
        assert here.daemon.added == []


async def test_a_body_that_is_sent_whole_while_the_daemon_stops_is_waited_for() -> None:
    answering = trio.Event()

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await answering.wait()
        await stream.send_all(answer(VIDEO))

    async with rig(behave) as here, trio.open_nursery() as nursery:
        first = await here.send(post())
        second = await here.send(post(body=b"x" * 100)[:-50])
        await asked(here, 1)
        await trio.sleep(0.1)
        nursery.start_soon(here.relay.close)
        await trio.sleep(0.1)
        await second.send_all(b"x" * 50)
        await asked(here, 2)
        await trio.sleep(0.1)
        answering.set()
        for stream in (first, second):
            with trio.fail_after(PATIENCE):
                received = b"".join([piece async for piece in stream])
            assert parts(received)[1]["notifier-watch"] == "added"


async def asked(here: Rig, count: int) -> None:
    with trio.fail_after(PATIENCE):
        while len(here.got) < count:  # noqa: ASYNC110 - the gateway sets no event for it
            await trio.sleep(0.01)


async def test_a_gateway_that_a_reload_removes_meanwhile_answers_and_is_named() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        here.daemon.removed = True
        await stream.send_all(answer(VIDEO))

    async with rig(behave) as here:
        status, headers, body = parts(await here.post())
        assert (status, headers["notifier-watch"], body) == (200, "none; gateway removed", VIDEO)
        assert parts(await here.post())[0] == 404


async def test_the_callers_token_goes_nowhere_even_when_the_gateway_has_no_key() -> None:
    async with rig() as here:
        here.daemon.headers = {}
        assert parts(await here.ask(post(key=TOKEN)))[1]["notifier-watch"] == "added"
        assert b"authorization" not in here.got[0].lower()


async def test_a_multipart_callback_url_is_the_gateways_own_field() -> None:
    body = b'--b\r\ncontent-disposition: form-data; name="callback_url"\r\n\r\nhttps://a/\r\n--b--'
    kind = "content-type: multipart/form-data; boundary=b"
    async with rig() as here:
        here.daemon.callbacks = True
        request = post(body=body).replace(b"content-type: application/json", kind.encode())
        assert parts(await here.ask(request))[1]["notifier-watch"] == "added"
        assert here.got[0].endswith(body)
        assert here.daemon.added[0][0].callback is None


async def test_what_came_of_each_transfer_is_counted() -> None:
    """The one that is answered comes last: the rig's gateway takes one request a connection."""
    async with rig(break_off) as here:
        assert parts(await here.ask(get(CONTENT)))[0] == 502
        here.behave = break_off_late
        with pytest.raises(trio.BrokenResourceError):
            await here.ask(get(CONTENT))
        here.behave = begin_without_end
        stream = await here.send(get(CONTENT))
        await first_bytes(stream)
        await stream.aclose()
        await came_of(here, 3)
        here.behave = created()
        await here.post()
        await came_of(here, 4)
        assert here.daemon.outcomes == ["failed", "cut_short", "caller_left", "answered"]
        assert here.daemon.counted == 4


async def came_of(here: Rig, count: int) -> None:
    with trio.fail_after(PATIENCE):
        while len(here.daemon.outcomes) < count:  # noqa: ASYNC110 - the fake sets no event
            await trio.sleep(0.01)


async def break_off(stream: trio.SocketStream, _request: bytes) -> None:
    await stream.send_all(b"HTTP/1.1 200 OK\r\n")
    await stream.aclose()


async def break_off_late(stream: trio.SocketStream, request: bytes) -> None:
    await begin_without_end(stream, request)
    await stream.aclose()
