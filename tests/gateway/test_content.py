"""How the content of a finished video is reached: redirects, keys, ranges, refusals."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_network
from itertools import pairwise

import pytest
import trio

from notifier.gateway import (
    Content,
    ContentClient,
    ContentError,
    GatewayRules,
    Part,
    SecretEchoMask,
)
from notifier.http_client import Route, open_client
from notifier.http_server import Request, Response, serve
from notifier.net import AddressPolicy
from tests.archive.contents import Contents, content_of

KEY = "a secret key of the gateway"
HEADERS = {"authorization": f"Bearer {KEY}", "x-team": "7"}
LOOPBACK = (ip_network("127.0.0.0/8"),)


def outside(*, allowed: bool) -> Route:
    return Route(AddressPolicy(public_only=True, allow=LOOPBACK if allowed else (), rule="no"))


class Hosts:
    """The gateway and another host, both on loopback; `redirects` maps paths to targets."""

    def __init__(self) -> None:
        self.gateway, self.other = Contents(), Contents()
        self.gateway_port = self.other_port = 0
        self.redirects: dict[str, str] = {}
        self.gateway.behave = self.other.behave = self._redirect

    def _redirect(self, request: Request, _: str) -> Response | None:
        target = self.redirects.get(request.path)
        if target is None:
            return None
        location = target.format(gateway=self.gateway_port, other=self.other_port)
        return Response(302, {"location": location})


@asynccontextmanager
async def contents(
    hosts: Hosts, *, allowed: bool = True, patience: float = 30.0
) -> AsyncIterator[ContentClient]:
    echoes = SecretEchoMask()
    echoes.add(KEY)
    async with (
        trio.open_nursery() as nursery,
        open_client(4, Route()) as inside,
        open_client(4, outside(allowed=allowed)) as other,
    ):
        start = partial(serve, port=0)
        hosts.gateway_port = await nursery.start(partial(start, hosts.gateway.handle))
        hosts.other_port = await nursery.start(partial(start, hosts.other.handle))
        base_url = f"http://127.0.0.1:{hosts.gateway_port}/v1"
        rules = GatewayRules(
            base_url, lambda: HEADERS, patience, {}, rewrites_ids=False, echoes=echoes
        )
        yield ContentClient(rules, inside, other, lambda: 0.0)
        nursery.cancel_scope.cancel()


async def fetched(client: ContentClient, part: Part | None = None) -> tuple[int, bytes]:
    """Return where the content of `video_1` begins, and the rest of it."""
    async with client.open("video_1", part, 10**6) as content:
        data = b""
        while piece := await content.read():
            data += piece
        return content.offset, data


def shown(request: Request) -> Mapping[str, str]:
    return {name: value for name, value in request.headers.items() if name in HEADERS}


WHOLE = content_of("video_1", 200_000)
PATH = "/v1/videos/video_1/content"


async def test_the_content_comes_from_the_gateway_with_its_headers() -> None:
    hosts = Hosts()
    async with contents(hosts) as client:
        assert await fetched(client) == (0, WHOLE)
    (request,) = hosts.gateway.requests
    assert (request.method, request.path) == ("GET", PATH)
    assert shown(request) == HEADERS
    assert request.headers["accept-encoding"] == "identity"


async def test_a_redirect_within_the_gateways_origin_keeps_its_headers() -> None:
    hosts = Hosts()
    hosts.redirects[PATH] = "/v1/videos/video_1/file#part"
    async with contents(hosts) as client:
        assert (await fetched(client))[1] == WHOLE
    assert [shown(request) for request in hosts.gateway.requests] == [HEADERS] * 2


async def test_no_configured_header_leaves_the_gateways_origin_or_comes_back_to_it() -> None:
    hosts = Hosts()
    hosts.redirects[PATH] = "http://127.0.0.1:{other}/a/b/back?signature=1"
    hosts.redirects["/a/b/back"] = "http://127.0.0.1:{gateway}/v1/videos/video_1/again"
    async with contents(hosts) as client:
        assert (await fetched(client))[1] == WHOLE
    (away,) = hosts.other.requests
    assert (shown(away), away.target) == ({}, "/a/b/back?signature=1")
    assert [shown(request) for request in hosts.gateway.requests] == [HEADERS, {}]


async def test_other_hosts_have_public_addresses_or_such_as_are_allowed() -> None:
    hosts = Hosts()
    hosts.redirects[PATH] = "http://127.0.0.1:{other}/signed?key=secret"
    async with contents(hosts, allowed=False) as client:
        with pytest.raises(ContentError, match=r"127\.0\.0\.1 is not a public address") as raised:
            await fetched(client)
        assert "secret" not in str(raised.value)
    assert hosts.other.requests == []


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("", "without a usable Location"),
        ("ftp://files/1", "without a usable Location"),
        ("file:///etc/passwd", "without a usable Location"),
        ("http://[", "without a usable Location"),
        ("http://127.0.0.1:99999/", "without a usable Location"),
        ("javascript:alert(1)", "without a usable Location"),
        (PATH, "more than 5 redirects"),
    ],
)
async def test_a_redirect_to_nowhere_is_refused(location: str, reason: str) -> None:
    hosts = Hosts()
    hosts.redirects[PATH] = location
    async with contents(hosts) as client:
        with pytest.raises(ContentError, match=reason):
            await fetched(client)
    assert len(hosts.gateway.requests) == (6 if location == PATH else 1)


async def test_five_redirects_are_followed() -> None:
    hosts = Hosts()
    steps = [PATH, *(f"/v1/videos/video_1/{number}" for number in range(5))]
    hosts.redirects = dict(pairwise(steps))
    async with contents(hosts) as client:
        assert (await fetched(client))[1] == WHOLE


async def test_what_is_there_is_continued_with_a_range_that_begins_at_the_content_again() -> None:
    hosts = Hosts()
    hosts.redirects[PATH] = "http://127.0.0.1:{other}/v1/video_1/signed"
    hosts.other.etag = lambda _: '"tag"'
    async with contents(hosts) as client:
        _, whole = await fetched(client)
        assert await fetched(client, Part('"tag"', 150_000)) == (150_000, whole[150_000:])
        assert await fetched(client, Part('"older"', 150_000)) == (0, whole)
    assert [request.path for request in hosts.gateway.requests] == [PATH] * 3


@pytest.mark.parametrize(
    ("status", "content_range", "starts_over"),
    [
        (206, "bytes 100000-199999/200000", True),
        (206, "bytes 150000-160000/200000", True),
        (206, "bytes 150000-199999/*", True),
        (206, "nonsense", True),
        (416, "bytes */200000", True),
        (404, "", False),
    ],
)
async def test_what_cannot_be_continued_starts_over(
    status: int, content_range: str, starts_over: bool
) -> None:
    hosts = Hosts()
    hosts.gateway.behave = lambda *_: Response(status, {"content-range": content_range}, b"x")
    async with contents(hosts) as client:
        with pytest.raises(ContentError) as raised:
            await fetched(client, Part('"tag"', 150_000))
    assert raised.value.starts_over is starts_over


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Response(404, {}, b'{"error":{"message":"not yet"}}'), "gateway answered 404: .*not yet"),
        (Response(409, {"retry-after": "7"}, b""), "the gateway answered 409"),
        (Response(401, {}, f"wrong key {KEY}".encode()), "401: wrong key \\[secret"),
        (Response(206, {}, b"x"), "answered 206"),
        (Response(204), "answered 204"),
        (Response(200, {"content-encoding": "gzip"}, b"x"), "compressed"),
    ],
)
async def test_anything_but_the_content_is_a_reason(answer: Response, reason: str) -> None:
    hosts = Hosts()
    hosts.gateway.behave = lambda *_: answer
    async with contents(hosts) as client:
        with pytest.raises(ContentError, match=reason) as raised:
            await fetched(client)
    assert KEY not in str(raised.value)
    assert raised.value.wait == (7.0 if answer.status == 409 else None)


async def test_the_text_of_another_host_is_not_kept_because_it_may_repeat_the_signature() -> None:
    hosts = Hosts()
    hosts.redirects[PATH] = "http://127.0.0.1:{other}/signed?key=secret"
    hosts.other.behave = lambda request, _: Response(403, {}, request.target.encode())
    async with contents(hosts) as client:
        with pytest.raises(ContentError, match=r"^127\.0\.0\.1 answered 403$"):
            await fetched(client)


async def test_a_body_whose_end_would_not_show_is_refused() -> None:
    async def answer(stream: trio.SocketStream) -> None:
        await stream.receive_some(10_000)
        await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\n\r\nhalf")
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        rules = GatewayRules(f"http://127.0.0.1:{port}/v1", dict, 30.0, {}, rewrites_ids=False)
        async with open_client(1, Route()) as inside:
            client = ContentClient(rules, inside, inside, lambda: 0.0)
            with pytest.raises(ContentError, match="a cut would not show"):
                await fetched(client)
        nursery.cancel_scope.cancel()


async def test_a_long_body_is_read_in_pieces_whether_by_length_or_by_chunks() -> None:
    for chunked in (False, True):
        hosts = Hosts()
        hosts.gateway.size, hosts.gateway.chunked = 5_000_000, chunked
        async with contents(hosts) as client, client.open("video_1", None, 10**7) as content:
            sizes = []
            while piece := await content.read():
                sizes.append(len(piece))
            assert sum(sizes) == 5_000_000
            assert max(sizes) <= 64 * 1024
            assert content.total == (None if chunked else 5_000_000)


async def test_a_cut_and_a_silence_are_errors() -> None:
    hosts = Hosts()
    hosts.gateway.cuts["video_1"] = [100_000]
    async with contents(hosts) as client:
        with pytest.raises(ContentError, match="cut short"):
            await fetched(client)
    hosts = Hosts()
    hosts.gateway.pause = 60
    async with contents(hosts, patience=0.3) as client:
        with pytest.raises(ContentError, match=r"nothing came for 0\.3 s"):
            await fetched(client)


async def test_chunks_that_break_after_megabytes_are_an_error_and_not_kept_in_memory() -> None:
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"

    async def answer(stream: trio.SocketStream) -> None:
        await stream.receive_some(10_000)
        await stream.send_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(48):
            await stream.send_all(chunk)
        await stream.send_all(b"no chunk at all\r\n")

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        rules = GatewayRules(f"http://127.0.0.1:{port}/v1", dict, 30.0, {}, rewrites_ids=False)
        async with open_client(1, Route()) as inside:
            client, taken = ContentClient(rules, inside, inside, lambda: 0.0), 0
            async with client.open("video_1", None, 10**7) as content:
                while taken < 47 * 0x10000:
                    taken += len(await content.read())
                with pytest.raises(ContentError, match="cannot be read to its end"):
                    await _to_the_end(content)
        nursery.cancel_scope.cancel()


async def _to_the_end(content: Content) -> None:
    while await content.read():
        pass
