"""What a request says about its watch, and answers whose job is watched all the same."""

import gzip
import json

import pytest
import trio

from notifier.passthrough import taking
from tests.passthrough.rig import VIDEO, answer, parts, post, rig

HOOK = "https://app.example/hook"
PATIENCE = 20.0


async def test_a_compressed_answer_is_understood_and_handed_on_as_it_came() -> None:
    body = gzip.compress(VIDEO)

    async def behave(stream: trio.SocketStream, _request: bytes) -> None:
        head, _, _ = answer(body).partition(b"\r\n\r\n")
        await stream.send_all(head + b"\r\ncontent-encoding: gzip\r\n\r\n" + body)

    async with rig(behave) as here:
        _, headers, received = parts(await here.post())
        assert (headers["notifier-watch"], headers["content-encoding"]) == ("added", "gzip")
        assert received == body
        assert [video_id for _, video_id in here.daemon.added] == ["video_1"]


async def test_a_paid_answer_is_not_withheld_by_a_store_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(taking, "PATIENCE", 0.1)
    async with rig() as here:
        here.daemon.store_takes = 0.5
        _, headers, body = parts(await here.post())
        assert (headers["notifier-watch"], body) == ("none; store", VIDEO)
        assert here.daemon.added == []
        with trio.fail_after(PATIENCE):
            while not here.daemon.added:  # noqa: ASYNC110 - the fake store sets no event
                await trio.sleep(0.01)


async def test_headers_name_the_callback_and_who_signs_it_and_stop_here() -> None:
    async with rig() as here:
        here.daemon.callbacks = True
        body = json.dumps({"prompt": "a", "callback_url": "https://other.example/"}).encode()
        named = (f"notifier-callback-url: {HOOK}", "notifier-callback-endpoint: second")
        assert parts(await here.post(*named, body=body))[1]["notifier-watch"] == "added"
        callback = here.daemon.added[0][0].callback
        assert callback is not None
        assert (callback.url, callback.endpoint) == (HOOK, "second")
        head, _, passed = here.got[0].partition(b"\r\n\r\n")
        assert b"notifier" not in head.lower()
        assert passed == body  # the header counts, so the gateway's own field stays


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"callback_url": HOOK, "prompt": "x" * (1 << 20)}).encode(),
        json.dumps({"callback_url": 7}).encode(),
        json.dumps([{"callback_url": HOOK}]).encode(),
        json.dumps({"video": {"callback_url": HOOK}}).encode(),
        b'{"callback_url": "https://app.example/hook"',
    ],
    ids=["larger than 1 MiB", "no text", "no object", "not at the top", "no JSON"],
)
@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_body_without_a_callback_url_that_can_be_taken_goes_on_byte_for_byte(
    body: bytes, framing: str
) -> None:
    passed = b""

    async def behave(stream: trio.SocketStream, request: bytes) -> None:
        nonlocal passed
        _, _, passed = request.partition(b"\r\n\r\n")
        end = body if framing == "length" else b"0\r\n\r\n"
        while not passed.endswith(end):
            passed += await stream.receive_some()
        await stream.send_all(answer(VIDEO))

    request = post(body=body)
    if framing == "chunks":
        length = b"content-length: %d" % len(body)
        request = request.replace(length, b"transfer-encoding: chunked", 1)
        request = request.removesuffix(body) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    async with rig(behave) as here:
        here.daemon.callbacks = True
        assert parts(await here.ask(request))[1]["notifier-watch"] == "added"
        assert (passed if framing == "length" else without_chunks(passed)) == body
        assert here.daemon.added[0][0].callback is None


def without_chunks(body: bytes) -> bytes:
    pieces = list[bytes]()
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        if not length:
            return b"".join(pieces)
        pieces.append(body[:length])
        body = body[length + 2 :]


async def test_a_callback_url_in_a_body_that_is_refused_never_reaches_the_gateway() -> None:
    async with rig() as here:
        here.daemon.refused_urls.add(HOOK)
        here.daemon.callbacks = True
        body = json.dumps({"callback_url": HOOK}).encode()
        assert parts(await here.post(body=body))[0] == 400
        assert here.got == []


async def test_a_misspelt_header_for_us_is_refused_and_not_lost() -> None:
    async with rig() as here:
        status, _, body = parts(await here.post('notifier-metdata: {"user": "7"}'))
        assert status == 400
        assert "Notifier-Metdata" in json.loads(body)["detail"]
        assert "did you mean `Notifier-Metadata`?" in json.loads(body)["detail"]
        assert here.got == []
