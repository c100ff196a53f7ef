"""What HTTP streams: provisional answers, ranges, and exchanges that outlast every usual limit."""

import trio

from tests.passthrough.rig import VIDEO, answer, get, parts, post, rig

PATIENCE = 20.0
LIMIT = 1.0
"""The gateway's `request_timeout` here, in seconds."""
SILENCE = 2.0
CONTENT = "/main/v1/videos/video_1/content"


async def read_until(stream: trio.SocketStream, mark: bytes) -> bytes:
    received = b""
    with trio.fail_after(PATIENCE):
        while mark not in received:
            piece = await stream.receive_some()
            assert piece, f"ended after {received!r}"
            received += piece
    return received


async def test_a_caller_that_expects_100_continue_gets_it_and_the_gateway_gets_the_body() -> None:
    async with rig() as here:
        request = post("expect: 100-continue", body=b'{"prompt":"a"}')
        head, mark, body = request.partition(b"\r\n\r\n")
        stream = await here.send(head + mark)
        assert (await read_until(stream, b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        await stream.send_all(body)
        received = await read_until(stream, VIDEO)
        assert parts(received)[1]["notifier-watch"] == "added"
        assert b"expect" not in here.got[0].lower()
        assert here.got[0].endswith(body)


async def test_a_gateways_own_100_continue_is_not_taken_for_its_answer() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(VIDEO))

    async with rig(behave) as here:
        status, headers, body = parts(await here.post())
        assert (status, headers["notifier-watch"], body) == (200, "added", VIDEO)


async def test_a_range_and_its_206_pass_as_they_are() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(
            b'HTTP/1.1 206 Partial Content\r\ncontent-type: video/mp4\r\netag: "e"\r\n'
            b"accept-ranges: bytes\r\ncontent-range: bytes 2-5/10\r\ncontent-length: 4\r\n\r\n2345"
        )

    async with rig(behave) as here:
        received = await here.ask(get(CONTENT, "range: bytes=2-5", 'if-range: "e"'))
        status, headers, body = parts(received)
        assert (status, body) == (206, b"2345")
        assert headers["content-range"] == "bytes 2-5/10"
        assert (headers["etag"], headers["accept-ranges"]) == ('"e"', "bytes")
        assert b"range: bytes=2-5\r\n" in here.got[0]
        assert b'if-range: "e"\r\n' in here.got[0]


async def test_a_range_that_cannot_be_satisfied_is_the_gateways_416() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        head = b"HTTP/1.1 416 Range Not Satisfiable\r\ncontent-range: bytes */10\r\n"
        await stream.send_all(head + b"content-length: 0\r\n\r\n")

    async with rig(behave) as here:
        status, headers, _ = parts(await here.ask(get(CONTENT, "range: bytes=20-")))
        assert (status, headers["content-range"]) == (416, "bytes */10")


async def test_server_sent_events_may_be_silent_longer_than_request_timeout() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n"
        )
        await trio.sleep(SILENCE)
        await stream.send_all(b"data: 2\n\n")
        await stream.aclose()

    async with rig(behave) as here:
        here.daemon.request_timeout = LIMIT
        received = await here.ask(get("/main/v1/events"))
        assert parts(received)[0] == 200
        assert b"data: 1\n\n" in received
        assert b"data: 2\n\n" in received


async def test_a_download_may_take_longer_than_request_timeout() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 200\r\n\r\n"
        await stream.send_all(head)
        for _ in range(20):
            await trio.sleep(SILENCE / 20)
            await stream.send_all(bytes(10))

    async with rig(behave) as here:
        here.daemon.request_timeout = LIMIT
        assert parts(await here.ask(get(CONTENT)))[2] == bytes(200)


async def test_a_create_may_take_longer_than_request_timeout() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await trio.sleep(SILENCE)
        await stream.send_all(answer(VIDEO))

    async with rig(behave) as here:
        here.daemon.request_timeout = LIMIT
        assert parts(await here.post())[1]["notifier-watch"] == "added"
