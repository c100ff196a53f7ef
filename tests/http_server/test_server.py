import errno
import os
from collections.abc import Sequence
from contextlib import suppress

import httpx
import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.http_server import Request, Response, Wire, json_response, serve
from notifier.http_server.wire import MAX_BODY
from tests.http_server.client import ask, raw

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


async def echo(request: Request, _wire: Wire) -> Response:
    return json_response(
        {
            "method": request.method,
            "path": request.path,
            "segments": request.segments,
            "query": dict(request.query),
            "x": request.headers.get("x-thing"),
            "body": request.body.decode("latin-1"),
        }
    )


async def test_a_request_arrives_whole_with_its_path_decoded_per_segment(
    nursery: trio.Nursery,
) -> None:
    port = await nursery.start(serve, echo)
    answer = await ask(
        port, "POST", "/v1/videos/a%2Fb%20c?x=1&y=%C3%A9&x=2", headers={"X-Thing": "z"},
        content=b"hello",
    )  # fmt: skip
    assert answer.json() == {
        "method": "POST",
        "path": "/v1/videos/a%2Fb%20c",
        "segments": ["v1", "videos", "a/b c"],
        "query": {"x": "2", "y": "é"},
        "x": "z",
        "body": "hello",
    }


async def test_a_chunked_body_is_put_together(nursery: trio.Nursery) -> None:
    port = await nursery.start(serve, echo)
    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    answer = await raw(port, head, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")
    assert b'"body": "abcde"' in answer


async def test_repeated_headers_are_joined(nursery: trio.Nursery) -> None:
    port = await nursery.start(serve, echo)
    lines = b"x-thing: a\r\nX-Thing: b\r\nconnection: close\r\n\r\n"
    assert b'"x": "a, b"' in await raw(port, b"GET / HTTP/1.1\r\nhost: x\r\n" + lines)


async def test_a_connection_serves_several_requests_also_pipelined_ones(
    nursery: trio.Nursery,
) -> None:
    port = await nursery.start(serve, echo)
    assert (await raw(port, GET + GET, CLOSE)).count(b"HTTP/1.1 200") == 3


async def test_a_client_that_waits_for_100_continue_is_told_to_go_on(
    nursery: trio.Nursery,
) -> None:
    port = await nursery.start(serve, echo)
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    async with stream:
        await stream.send_all(
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
        )
        assert (await stream.receive_some()).startswith(b"HTTP/1.1 100")
        await stream.send_all(b"ok")
        assert b"HTTP/1.1 200" in await stream.receive_some()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([b"nonsense\r\n\r\n"], 400),
        ([b"GET / HTTP/1.1\r\n\r\n"], 400),
        ([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"], 400),
        ([b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n"], 400),
        ([b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab"], 400),
        ([b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"y" * 200_000 + b"\r\n\r\n"], 431),
        ([b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10485761\r\n\r\n"], 413),
        ([b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: " + b"9" * 20 + b"\r\n\r\n"], 413),
    ],
    ids=["no HTTP", "no host", "TLS", "negative", "cut off", "long header", "large", "absurd"],
)  # fmt: skip
async def test_a_request_that_cannot_be_read_is_refused_and_the_server_lives(
    nursery: trio.Nursery, sent: Sequence[bytes], status: int
) -> None:
    port = await nursery.start(serve, echo)
    assert (await raw(port, *sent)).startswith(b"HTTP/1.1 %d" % status)
    assert (await ask(port, "GET", "/")).status_code == 200


async def test_a_client_that_sends_too_much_still_reads_why_it_was_refused(
    nursery: trio.Nursery,
) -> None:
    port = await nursery.start(serve, echo)
    head = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = await raw(port, head, *[chunk] * (MAX_BODY // 0x10000 + 2), b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_client_that_resets_ends_only_its_own_connection(nursery: trio.Nursery) -> None:
    async def hang(_request: Request, wire: Wire) -> None:
        await wire.hang()

    port = await nursery.start(serve, hang)
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(GET)
    await Wire(stream).reset()
    assert await raw(port, GET) == b""


async def test_a_handler_that_raises_is_a_500_and_the_server_lives(
    nursery: trio.Nursery, capsys: pytest.CaptureFixture[str]
) -> None:
    async def buggy(request: Request, wire: Wire) -> Response:
        if request.path == "/bug":
            raise KeyError("oops")
        return await echo(request, wire)

    port = await nursery.start(serve, buggy)
    assert (await ask(port, "GET", "/bug")).status_code == 500
    assert (await ask(port, "GET", "/")).status_code == 200
    printed = capsys.readouterr()
    assert "oops" in printed.out + printed.err


async def test_an_empty_answer_is_sent_without_a_body(nursery: trio.Nursery) -> None:
    async def nothing(_request: Request, _wire: Wire) -> Response:
        return Response(204)

    port = await nursery.start(serve, nothing)
    answer = await raw(port, GET, CLOSE)
    assert answer.count(b"HTTP/1.1 204") == 2
    assert b"content-length" not in answer


async def test_a_reset_reaches_the_client_as_one(nursery: trio.Nursery) -> None:
    async def reset(_request: Request, wire: Wire) -> None:
        await wire.reset()

    port = await nursery.start(serve, reset)
    with pytest.raises(httpx.ReadError):
        await ask(port, "GET", "/")


async def test_raw_bytes_reach_the_client_as_they_are(nursery: trio.Nursery) -> None:
    async def garbage(_request: Request, wire: Wire) -> None:
        await wire.send_raw(b"\x00 not http")

    port = await nursery.start(serve, garbage)
    assert await raw(port, GET) == b"\x00 not http"


async def test_a_dripped_answer_is_whole_in_the_end(nursery: trio.Nursery) -> None:
    async def drip(_request: Request, wire: Wire) -> None:
        await wire.drip(Response(200, {}, b"slowly"), 0.0001)

    port = await nursery.start(serve, drip)
    answer = await ask(port, "GET", "/")
    assert answer.content == b"slowly"


async def test_a_port_in_use_is_an_os_error(nursery: trio.Nursery) -> None:
    port = await nursery.start(serve, echo)
    with pytest.raises(OSError, match=os.strerror(errno.EADDRINUSE)):
        await serve(echo, port=port)


async def test_a_name_with_two_addresses_gets_one_free_port(nursery: trio.Nursery) -> None:
    async def start(task_status: trio.TaskStatus[int]) -> None:
        await serve(echo, host="localhost", task_status=task_status)

    port = await nursery.start(start)
    assert port > 0


async def test_cancelling_closes_the_port_and_every_connection() -> None:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve, echo)
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        await stream.send_all(GET)
        await stream.receive_some()
        nursery.cancel_scope.cancel()
    async with stream:
        assert await stream.receive_some() == b""
    with pytest.raises(OSError):  # noqa: PT011 - refused, however the platform words it
        await trio.open_tcp_stream("127.0.0.1", port)


@given(st.lists(st.binary(max_size=200), max_size=4))
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_random_bytes_never_take_the_server_down(sent: list[bytes]) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            port = await nursery.start(serve, echo)
            with suppress(trio.BrokenResourceError):
                await raw(port, *sent)
            assert (await raw(port, CLOSE)).startswith(b"HTTP/1.1 200")
            nursery.cancel_scope.cancel()

    trio.run(main)
