"""What is passed on, what is watched, and what ends an exchange."""

import json
from functools import partial

import pytest
import trio

from notifier.http_client import Route
from notifier.http_client.streaming import StreamClient
from notifier.passthrough import taking, transfer
from tests.passthrough.rig import (
    KEY,
    TOKEN,
    VIDEO,
    Rig,
    answer,
    created,
    detail,
    get,
    parts,
    post,
    rig,
)

SECOND = 20.0


async def read_all(stream: trio.SocketStream) -> bytes:
    return b"".join([piece async for piece in stream])


async def test_a_job_is_watched_before_its_answer_is_handed_on() -> None:
    async with rig() as here:
        here.daemon.store_takes = 0.2
        status, headers, body = parts(await here.post())
        assert (status, headers["notifier-watch"], body) == (200, "added", VIDEO)
        assert [video_id for _, video_id in here.daemon.added] == ["video_1"]


async def test_a_job_that_is_watched_already_is_known() -> None:
    async with rig() as here:
        here.daemon.known = {"video_1"}
        assert parts(await here.post())[1]["notifier-watch"] == "known"


async def test_the_gateway_gets_the_request_as_it_is_without_what_is_ours() -> None:
    async with rig() as here:
        await here.post(
            'notifier-metadata: {"a": "b"}',
            "notifier-endpoints: app",
            "notifier_odd: x",
            "x-mine: 1",
            "connection: x-hop",
            "x-hop: gone",
            "te: trailers",
            body=b'{"prompt": "caf\xc3\xa9"}',
        )
        head, _, body = here.got[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /base/v1/videos HTTP/1.1\r\nhost: gateway.example\r\n")
        assert body == b'{"prompt": "caf\xc3\xa9"}'
        assert b"x-mine: 1" in head
        assert f"authorization: Bearer {KEY}".encode() in head
        for gone in (b"notifier", b"x-hop", b"connection", b"te:"):
            assert gone not in head.lower()
        order = here.daemon.added[0][0]
        assert (order.spec.metadata, order.spec.endpoints) == ({"a": "b"}, ("app",))


async def test_the_token_is_exchanged_for_the_key() -> None:
    async with rig() as here:
        received = await here.ask(post(key=TOKEN))
        assert parts(received)[1]["notifier-watch"] == "added"
        assert TOKEN.encode() not in here.got[0]
        assert here.got[0].count(f"Bearer {KEY}".encode()) == 1


async def test_a_job_made_with_another_key_is_not_watched_and_its_key_is_passed_on() -> None:
    async with rig() as here:
        received = await here.ask(post(key="sk-another"))
        assert parts(received)[1]["notifier-watch"] == "none; another key"
        assert b"Bearer sk-another" in here.got[0]
        assert here.daemon.added == []


async def test_a_key_in_another_header_counts_as_well() -> None:
    async with rig() as here:
        here.daemon.headers = {"api-key": "azure"}
        assert (
            parts(await here.ask(post("api-key: azure", key=None)))[1]["notifier-watch"] == "added"
        )


async def test_a_gateway_without_a_key_has_every_job_watched() -> None:
    async with rig() as here:
        here.daemon.headers = {}
        assert parts(await here.ask(post(key="whatever")))[1]["notifier-watch"] == "added"


async def test_off_loopback_every_caller_shows_the_token_or_the_key() -> None:
    async with rig(open_to_all=True) as here:
        for key, status in ((None, 401), ("sk-another", 401), (KEY, 200), (TOKEN, 200)):
            assert parts(await here.ask(post(key=key)))[0] == status


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"id":"c_1","object":"chat.completion"}', "application/json"),
        (b"data: {}\n\n", "text/event-stream"),
        (b"{broken", "application/json"),
        (b"", "application/json"),
    ],
)
async def test_another_answer_is_handed_on_and_is_no_video(body: bytes, kind: str) -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(answer(body, kind=kind))

    async with rig(behave) as here:
        status, headers, received = parts(await here.post())
        assert (status, headers["notifier-watch"], received) == (200, "none; not a video", body)


async def test_a_large_json_answer_streams_at_once() -> None:
    size = 3 * 1024 * 1024
    body = b'{"id":"video_1","object":"video","x":"' + b"x" * size + b'"}'

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n" + body)
        await stream.send_eof()

    async with rig(behave) as here:
        stream = await here.send(post().replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        received = b"".join([piece async for piece in stream])
        status, headers, got = parts(received)
        assert (status, headers["notifier-watch"]) == (200, "none; not a video")
        assert got == body


async def test_a_paid_answer_is_not_withheld_by_a_store_that_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(taking, "PATIENCE", 0.1)
    async with rig() as here:
        here.daemon.store_fails = 1
        status, headers, body = parts(await here.post())
        assert (status, headers["notifier-watch"], body) == (200, "none; store", VIDEO)
        with trio.fail_after(SECOND):
            await here.relay.close()
            while not here.daemon.added:  # noqa: ASYNC110 - the relay sets no event for it
                await trio.sleep(0.05)
        assert here.daemon.said == [None]  # what the answer said is out of date by then


async def test_what_the_answer_to_a_create_says_is_given_on_with_the_job() -> None:
    async with rig() as here:
        await here.post()
        (said,) = here.daemon.said
        assert said is not None
        assert (said.status, said.body) == (200, VIDEO)


async def test_a_gateway_that_is_down_is_a_502() -> None:
    async with rig(down=True) as here:
        status, headers, body = parts(await here.post())
        assert status == 502
        assert headers["content-type"] == "application/problem+json"
        assert "gateway" in json.loads(body)["detail"]


async def test_a_proxy_that_refuses_its_tunnel_is_a_502_with_its_status() -> None:
    async with rig() as here, trio.open_nursery() as nursery:

        async def refuse(stream: trio.SocketStream) -> None:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 403 Filtered\r\ncontent-length: 0\r\n\r\n")

        (listener,) = await nursery.start(partial(trio.serve_tcp, refuse, 0, host="127.0.0.1"))
        here.daemon.scheme = "https"
        port = listener.socket.getsockname()[1]
        here.daemon.client = StreamClient.on(Route(proxy=f"http://me:secret@127.0.0.1:{port}"))
        received = await here.post()
        assert parts(received)[0] == 502
        assert "the proxy answered 403 Filtered" in detail(received)
        assert b"secret" not in received
        nursery.cancel_scope.cancel()


async def test_redirects_pass_through_unfollowed() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(
            b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n"
        )

    async with rig(behave) as here:
        status, headers, _ = parts(await here.ask(get("/main/v1/videos/video_1/content")))
        assert (status, headers["location"]) == (302, "http://elsewhere/")


@pytest.mark.parametrize("framing", [b"content-length: 100", b"transfer-encoding: chunked"])
async def test_an_answer_that_breaks_off_ends_broken(framing: bytes) -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\n" + framing + b"\r\n\r\n"
        await stream.send_all(head + (b"4\r\nabcd\r\n" if b"chunked" in framing else b"abcd"))
        await trio.sleep(0.1)
        await stream.aclose()

    async with rig(behave) as here:
        stream = await here.send(
            get("/main/v1/videos/video_1/content").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
        )
        with trio.fail_after(SECOND), pytest.raises(trio.BrokenResourceError):
            await read_all(stream)


async def test_server_sent_events_are_not_held_back() -> None:
    go_on = trio.Event()

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
            b"transfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
        )
        await go_on.wait()
        await stream.send_all(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    async with rig(behave) as here:
        stream = await here.send(post())
        received = b""
        with trio.fail_after(SECOND):
            while b"data: 1" not in received:
                received += await stream.receive_some()
            go_on.set()
            while b"data: 2" not in received:
                received += await stream.receive_some()


async def test_a_caller_that_goes_away_before_its_post_was_sent_cancels_it() -> None:
    async with rig() as here:
        stream = await here.send(post(body=b"x" * 100)[:-50])
        with trio.fail_after(SECOND):
            while not here.got:  # noqa: ASYNC110 - a byte in the gateway sets no event
                await trio.sleep(0.01)
            await stream.aclose()
            await here.gateway_saw_end.wait()
        assert here.daemon.added == []


async def test_a_caller_that_goes_away_after_its_post_was_sent_has_its_job_watched() -> None:
    asked, left = trio.Event(), trio.Event()

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        asked.set()
        await left.wait()
        await stream.send_all(answer(VIDEO))

    async with rig(behave) as here:
        stream = await here.send(post())
        with trio.fail_after(SECOND):
            await asked.wait()
            await stream.aclose()
            await trio.sleep(0.2)  # the relay reads the end of the connection
            left.set()
            while not here.daemon.added:  # noqa: ASYNC110 - the fake store sets no event
                await trio.sleep(0.01)


async def test_a_caller_that_goes_away_cancels_a_get() -> None:
    async def behave(_stream: trio.SocketStream, _request: bytes) -> None:
        return

    async with rig(behave) as here:
        stream = await here.send(get("/main/v1/videos/video_1/content"))
        with trio.fail_after(SECOND):
            while not here.got:  # noqa: ASYNC110 - a byte in the gateway sets no event
                await trio.sleep(0.01)
            await stream.aclose()
            await here.gateway_saw_end.wait()


async def test_the_end_of_the_daemon_waits_for_a_post_that_the_gateway_has() -> None:
    asked, closing = trio.Event(), trio.Event()

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        asked.set()
        await closing.wait()
        await stream.send_all(answer(VIDEO))

    async with rig(behave) as here, trio.open_nursery() as nursery:
        stream = await here.send(post())
        await asked.wait()
        await trio.sleep(0.1)
        assert here.relay.patience == 5.0
        nursery.start_soon(here.relay.close)
        await trio.sleep(0.1)
        assert parts(await here.post())[0] == 503
        closing.set()
        with trio.fail_after(SECOND):
            received = b"".join([piece async for piece in stream])
        assert parts(received)[1]["notifier-watch"] == "added"


async def test_a_silent_gateway_ends_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    async def behave(_stream: trio.SocketStream, _request: bytes) -> None:
        return

    monkeypatch.setattr(transfer, "SILENCE", 0.3)
    async with rig(behave) as here:
        assert parts(await here.post())[0] == 504


async def test_status_answers_are_taken_in_and_say_when_to_ask_again() -> None:
    async with rig() as here:
        here.daemon.poll_after = 2.5
        _, headers, body = parts(await here.ask(get("/main/v1/videos/video_1")))
        assert (headers["openai-poll-after-ms"], body) == ("2500", VIDEO)
        assert here.daemon.readings == [VIDEO]
        assert here.daemon.counted == 1


async def test_status_answers_to_another_key_say_nothing_about_our_videos() -> None:
    async with rig() as here:
        here.daemon.poll_after = 2.5
        _, headers, _ = parts(await here.ask(get("/main/v1/videos/video_1", key="other")))
        assert "openai-poll-after-ms" not in headers
        assert here.daemon.readings == []


async def test_the_gateways_own_wait_stands() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(
            answer(VIDEO).replace(b"\r\n\r\n", b"\r\nopenai-poll-after-ms: 7\r\n\r\n", 1)
        )

    async with rig(behave) as here:
        here.daemon.poll_after = 2.5
        _, headers, _ = parts(await here.ask(get("/main/v1/videos/video_1")))
        assert headers["openai-poll-after-ms"] == "7"


async def test_a_head_request_has_the_length_and_no_body() -> None:
    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n")

    async with rig(behave) as here:
        received = await here.ask(get("/main/v1/videos/video_1/content", method="HEAD"))
        status, headers, body = parts(received)
        assert (status, headers["content-length"], body) == (200, "12345", b"")


async def big(here: Rig, size: int) -> int:
    """Pass a body of `size` bytes up; return how many the gateway got."""
    got = 0

    async def behave(stream: trio.SocketStream, request: bytes) -> None:
        nonlocal got
        got = len(request.partition(b"\r\n\r\n")[2])
        while got < size:
            got += len(await stream.receive_some(1 << 20))
        await stream.send_all(answer(VIDEO))

    here.behave = behave
    stream = await here.send(post(body=b"").replace(b"length: 0", b"length: %d" % size))
    piece = bytes(1 << 20)
    for _ in range(size // len(piece)):
        await stream.send_all(piece)
    received = b"".join([piece async for piece in stream])
    assert parts(received)[1]["notifier-watch"] == "added"
    return got


async def test_a_large_upload_arrives_whole() -> None:
    async with rig() as here:
        with trio.fail_after(60):
            assert await big(here, 64 << 20) == 64 << 20


async def test_a_hundred_creates_at_once_are_all_watched() -> None:
    async with rig(created()) as here, trio.open_nursery() as nursery:
        for _ in range(100):
            nursery.start_soon(here.post)
    assert len(here.daemon.added) == 100


async def test_a_key_that_becomes_unreadable_is_needed_once_for_each_request() -> None:
    async with rig() as here:
        here.daemon.headers_readable = 1
        assert parts(await here.ask(post(key=TOKEN)))[0] == 200
        assert f"authorization: Bearer {KEY}".encode() in here.got[0]
        assert parts(await here.ask(post(key=TOKEN)))[0] == 502


@pytest.mark.parametrize(
    ("body", "passed"),
    [
        (b'{"callback_url":"https://app.example/hook"}', b"{}"),
        (b'{ "callback_url" : "https://app.example/hook" , "n" : 1e400 }', b'{ "n" : 1e400}'),
        (b'{"n": 1.10, "callback_url": "https://app.example/hook"}', b'{"n": 1.10}'),
        (
            (
                b'{"callback_url":"https://b/","a":["callback_url"],'
                b'"callback_url":"https://app.example/hook"}'
            ),
            b'{"a":["callback_url"]}',
        ),
        (
            '{"\\u0063allback_url":7,"prompt":"日\\ud800","callback_url":'
            '"https://app.example/hook"}'.encode(),
            '{"prompt":"日\\ud800"}'.encode(),
        ),
    ],
    ids=["the only member", "a number beyond floats", "digits", "given twice", "escapes"],
)
async def test_what_stands_beside_a_callback_url_goes_on_as_it_is_written(
    body: bytes, passed: bytes
) -> None:
    async with rig() as here:
        here.daemon.callbacks = True
        assert parts(await here.post(body=body))[1]["notifier-watch"] == "added"
        assert here.got[0].endswith(b"\r\n\r\n" + passed)
        callback = here.daemon.added[0][0].callback
        assert callback is not None
        assert callback.url == "https://app.example/hook"


async def test_a_callback_url_in_the_body_is_taken_where_the_config_allows_it() -> None:
    body = b'{"prompt":"a","callback_url":"https://app.example/hook"}'
    async with rig() as here:
        here.daemon.callbacks = True
        await here.post(body=body)
        assert here.got[0].endswith(b'\r\n\r\n{"prompt":"a"}')
        callback = here.daemon.added[0][0].callback
        assert callback is not None
        assert callback.url == "https://app.example/hook"
        here.daemon.callbacks = False
        await here.post(body=body)
        assert here.got[1].endswith(body)
        assert here.daemon.added[1][0].callback is None
