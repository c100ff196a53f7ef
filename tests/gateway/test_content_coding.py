"""Compressed answers, which were not asked for, are read within the same bound."""

import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from notifier.errors import TransportError
from notifier.gateway.client import MAX_BODY, GatewayClient, GatewayRules
from notifier.gateway.content_coding import decoded_body
from notifier.gateway.pages import Page
from notifier.http_client import HttpRequest, HttpResponse, RequestTemplate
from notifier.model.answer import PollError, Seen

BODY = json.dumps({"id": "video_1", "status": "completed"}).encode()


def bomb() -> bytes:
    return gzip.compress(b"x" * 100_000_000)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("", gzip.compress),
        ("identity", gzip.compress),
        ("gzip, gzip", lambda data: gzip.compress(gzip.compress(data))),
        ("deflate, gzip", lambda data: gzip.compress(zlib.compress(data))),
        ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
        ("gzip", lambda data: gzip.compress(data) + b"\0\0"),
    ],
)
def test_a_compressed_body_is_read(coding: str, pack: Callable[[bytes], bytes]) -> None:
    assert decoded_body({"content-encoding": coding}, pack(BODY), 1000) == BODY


@pytest.mark.parametrize("coding", ["", "identity", "br", "zstd, br"])
def test_other_bodies_are_left_as_they_are(coding: str) -> None:
    assert decoded_body({"content-encoding": coding}, BODY, 1000) is BODY
    assert decoded_body({"content-encoding": "gzip"}, b"", 1000) == b""


@pytest.mark.parametrize(
    ("make_body", "kind"),
    [
        (lambda: gzip.compress(b"x" * 1001), "too_large"),
        (bomb, "too_large"),
        (lambda: gzip.compress(bomb()), "too_large"),
        (lambda: gzip.compress(b"x" * 600) * 2, "too_large"),
        (lambda: gzip.compress(BODY)[:-9], "protocol"),
        (lambda: b"\x1f\x8b" + b"x" * 50, "protocol"),
        (lambda: BODY, "protocol"),
    ],
    ids=["just over", "bomb", "bomb twice", "members", "cut", "damaged", "not compressed"],
)
def test_a_bomb_and_a_damaged_body_are_errors(make_body: Callable[[], bytes], kind: str) -> None:
    body = make_body()
    with pytest.raises(TransportError) as caught:
        decoded_body({"content-encoding": "gzip, gzip"}, body, 1000)
    assert caught.value.kind == kind


def test_many_empty_members_are_read_no_further() -> None:
    assert decoded_body({}, gzip.compress(b"") * 10_000, 1000) == b""


class Peer:
    """Answers with one response, and keeps the URLs that were asked for."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        self.urls: list[str] = []

    def start(self, requests: RequestTemplate, segment: str, done: object) -> bool:
        return False  # each request takes a task

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.urls.append(request.url)
        return self.response


def client(peer: Peer, base_url: str = "http://h/v1?a=b") -> GatewayClient:
    rules = GatewayRules(base_url, dict, 30.0, {}, rewrites_ids=False)
    return GatewayClient(rules, peer, lambda: 0.0)


async def test_a_gateway_that_compresses_is_understood() -> None:
    peer = Peer(HttpResponse(200, {"content-encoding": "gzip"}, gzip.compress(BODY)))
    assert isinstance(await client(peer).retrieve("video_1"), Seen)
    await client(peer).list_page(5, None)
    assert peer.urls == ["http://h/v1/videos/video_1?a=b", "http://h/v1/videos?a=b&limit=5"]


CHINESE = json.dumps(
    {"id": "video_1", "status": "failed", "error": {"message": "系统繁忙"}},
    ensure_ascii=False,
)


@pytest.mark.parametrize("charset", ["GBK", "gb18030", "big5", "utf-8", "UTF8", '"gb2312"'])
async def test_an_answer_is_read_in_the_character_set_that_it_declares(charset: str) -> None:
    body = CHINESE.replace("系统繁忙", "任務失敗" if charset == "big5" else "系统繁忙")
    headers = {"content-type": f"application/json; charset={charset}"}
    peer = Peer(HttpResponse(200, headers, body.encode(charset.strip('"'))))
    answer = await client(peer).retrieve("video_1")
    assert isinstance(answer, Seen)
    assert answer.snapshot.error is not None
    assert answer.snapshot.error.message in {"任務失敗", "系统繁忙"}


async def test_an_answer_in_an_unknown_character_set_keeps_its_status() -> None:
    body = b'{"id": "video_1", "status": "completed", "prompt": "caf\xe9"}'
    for content_type in ("application/json", "application/json; charset=none"):
        peer = Peer(HttpResponse(200, {"content-type": content_type}, body))
        answer = await client(peer).retrieve("video_1")
        assert isinstance(answer, Seen)
        page = await client(Peer(HttpResponse(200, {}, b"[" + body + b"]"))).list_page(5, None)
        assert isinstance(page, Page)
        assert page.ids == ["video_1"]


async def test_an_answer_in_utf_16_is_read_as_it_is() -> None:
    for coding in ("utf-16", "utf-16-le", "utf-16-be"):
        peer = Peer(HttpResponse(200, {}, CHINESE.encode(coding)))
        assert isinstance(await client(peer).retrieve("video_1"), Seen)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "text/plain; charset=gbk"}, "系统繁忙".encode("gbk")),
        ({"content-encoding": "gzip"}, gzip.compress("系统繁忙".encode())),
    ],
    ids=["gbk", "gzip"],
)
async def test_what_is_not_json_is_quoted_in_its_own_characters(
    headers: dict[str, str], body: bytes
) -> None:
    answer = await client(Peer(HttpResponse(503, headers, body))).retrieve("video_1")
    assert isinstance(answer, PollError)
    assert answer.detail == "not JSON: 系统繁忙"


async def test_a_bomb_is_an_error_like_any_other() -> None:
    bomb = gzip.compress(b" " * (MAX_BODY + 1))
    answer = await client(Peer(HttpResponse(200, {}, bomb))).retrieve("video_1")
    assert isinstance(answer, PollError)
    assert answer.reason == "too_large"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://h/v1/videos/video_1/?sig=hidden#x", "redirects to https://h/v1/videos/video_1/"),
        ("/login", "redirects to /login"),
        ("https://user:hidden@h/", "redirects to https://h/"),
        ("http://[", "a redirect without a Location"),
        ("/a\x1b[2J", "redirects to /a�[2J"),
        (None, "a redirect without a Location"),
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", b"<html>moved"])
async def test_a_redirect_says_where_it_leads(
    location: str | None, shown: str, body: bytes
) -> None:
    headers = {} if location is None else {"location": location}
    answer = await client(Peer(HttpResponse(307, headers, body))).retrieve("video_1")
    assert isinstance(answer, PollError)
    assert (answer.reason, answer.detail) == ("http_307", shown)


def test_an_answer_that_somebody_else_asked_for_is_read_compressed() -> None:
    packed = HttpResponse(200, {"content-encoding": "gzip"}, gzip.compress(BODY))
    asks = client(Peer(packed))
    assert isinstance(asks.read_encoded("video_1", packed), Seen)
    cut = replace(packed, body=packed.body[:-9])
    assert isinstance(asks.read_encoded("video_1", cut), PollError)
