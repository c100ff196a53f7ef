"""The HTTP client against widely used servers: each gives the same answers in its own way."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import trio

from notifier.errors import TransportError
from notifier.http_client import HttpRequest, HttpResponse, PeerClient, Route, open_client
from notifier.net import TlsMaterial
from tests.http_client.conformance.servers import COMMANDS, Server, missing, server

CHUNKS = b"".join(b"%d," % number for number in range(1000)) + b"end"
MEGABYTE = 1_000_000


@pytest.fixture(scope="module", params=list(COMMANDS))
def peer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    name = request.param
    if (program := missing(name)) is not None:
        pytest.skip(f"{program} is not installed")
    with server(name, tmp_path_factory.mktemp(name)) as running:
        yield running


async def ask(
    client: PeerClient, url: str, method: str = "GET", body: bytes | None = None
) -> HttpResponse:
    return await client.send(
        HttpRequest(
            method, url, headers={"x-test": "yes"}, deadline=60, max_body=MEGABYTE, body=body
        )
    )


async def fetched(url: str, times: int = 1) -> HttpResponse:
    """Ask on one connection, if it can be used again; every answer is the same."""
    async with open_client(1) as client:
        replies = [await ask(client, url) for _ in range(times)]
    assert len({(reply.status, reply.body) for reply in replies}) == 1
    return replies[0]


async def request_seen_by(client: PeerClient, peer: Server) -> dict[str, Any]:
    """Return what the server has seen of a request."""
    reply = await ask(client, f"{peer.plain}/request")
    seen: dict[str, Any] = json.loads(reply.body)
    return seen


def before(*names: str) -> pytest.MarkDecorator:
    """Ask these servers alone: the others cannot be made to answer like that."""
    return pytest.mark.parametrize("peer", names, indirect=True)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("length", 200, b"hello"),
        ("empty", 200, b""),
        ("nothing", 204, b""),
        ("unchanged", 304, b""),
        ("odd", 299, b"odd"),
        ("overloaded", 599, b"overloaded"),
        ("last", 200, b"bye"),
        ("chunks", 200, CHUNKS),
    ],
)
async def test_answers_come_whole_one_after_the_other(
    peer: Server, path: str, status: int, body: bytes
) -> None:
    reply = await fetched(f"{peer.plain}/{path}", times=3)
    assert (reply.status, reply.body) == (status, body)


@before("node")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("trailers", CHUNKS),
        ("hints", b"after hints"),
        ("old", b"old"),
        ("drip", b"slow"),
        ("no-reason", b"ok"),
        ("extensions", b"ok"),
        ("garbage", b"ok"),
        ("another", b"ok"),
    ],
)
async def test_unusual_answers_are_understood_and_leave_nothing_for_the_next(
    peer: Server, path: str, body: bytes
) -> None:
    async with open_client(1) as client:
        for _ in range(3):
            assert (await ask(client, f"{peer.plain}/{path}")).body == body
            assert (await ask(client, f"{peer.plain}/length")).body == b"hello"


@before("node", "nginx")
async def test_an_answer_without_a_length_ends_with_its_connection(peer: Server) -> None:
    assert (await fetched(f"{peer.plain}/to-the-end", times=3)).body == b"to the end"


@before("node")
async def test_an_answer_that_is_cut_short_is_no_answer(peer: Server) -> None:
    with pytest.raises(TransportError) as raised:
        await fetched(f"{peer.plain}/cut-short")
    assert raised.value.kind == "reset"


async def test_one_connection_serves_request_after_request(peer: Server) -> None:
    async with open_client(1) as client:
        ports = {(await request_seen_by(client, peer))["peer"] for _ in range(50)}
    assert len(ports) == 1


async def ports_of(peer: Server, requests: int, in_flight: int) -> set[int]:
    """Send so many requests at once and return the ports that they came from."""
    ports: set[int] = set()

    async def one(client: PeerClient) -> None:
        ports.add((await request_seen_by(client, peer))["peer"])

    async with open_client(in_flight) as client, trio.open_nursery() as nursery:
        for _ in range(requests):
            nursery.start_soon(one, client)
    return ports


async def test_a_hundred_requests_at_once_take_no_more_connections_than_allowed(
    peer: Server,
) -> None:
    assert len(await ports_of(peer, 100, in_flight=10)) <= 10


@before("nginx", "node")
async def test_so_do_a_thousand(peer: Server) -> None:
    assert len(await ports_of(peer, 1000, in_flight=100)) <= 100


async def test_a_connection_that_the_server_closed_is_not_used_again(peer: Server) -> None:
    async with open_client(1) as client:
        first = await request_seen_by(client, peer)
        # each of them keeps a connection for two seconds; a busy machine closes it later
        for idle in (4, 8, 16, 32):
            await trio.sleep(idle)
            if (await request_seen_by(client, peer))["peer"] != first["peer"]:
                return
    pytest.fail("the connection was never given up")


async def test_a_server_that_closes_after_each_answer_gets_a_new_connection_each_time(
    peer: Server,
) -> None:
    async with open_client(1) as client:
        ports = set()
        for _ in range(3):
            ports.add((await request_seen_by(client, peer))["peer"])
            await ask(client, f"{peer.plain}/last")
    assert len(ports) == 3


@before("nginx")
async def test_a_server_that_takes_few_requests_on_a_connection_gets_them_on_several(
    peer: Server,
) -> None:
    async with open_client(1) as client:
        ports = [(await ask(client, f"{peer.plain}/few")).body for _ in range(9)]
    assert len(set(ports)) == 3


async def test_many_and_large_headers_are_read_and_boundless_ones_are_not(peer: Server) -> None:
    many = (await fetched(f"{peer.plain}/many")).headers
    assert [many[f"x-number-{number}"] for number in range(90)] == [str(n) for n in range(90)]
    large = (await fetched(f"{peer.plain}/large")).headers["x-large"]
    assert large.count("x") == 30_000
    with pytest.raises(TransportError) as raised:
        await fetched(f"{peer.plain}/too-large")
    assert raised.value.kind == "too_large"


async def test_what_is_asked_for_is_plain_and_nothing_is_remembered(peer: Server) -> None:
    async with open_client(1) as client:
        assert "a=1" in (await ask(client, f"{peer.plain}/cookie")).headers["set-cookie"]
        sent = dict((await request_seen_by(client, peer))["headers"])
    assert sent["host"] == peer.plain.removeprefix("http://")
    assert sent["accept-encoding"] == "identity"
    assert not sent.get("cookie")
    assert "expect" not in sent


async def test_a_redirect_is_an_answer_like_any_other(peer: Server) -> None:
    reply = await fetched(f"{peer.plain}/elsewhere", times=2)
    assert reply.status == 302
    assert reply.headers["location"].endswith("/length")


@before("node", "uvicorn", "hypercorn")
@pytest.mark.parametrize("size", [0, 1, 300_000])
async def test_a_request_with_a_body_arrives_whole(peer: Server, size: int) -> None:
    async with open_client(1) as client:
        for _ in range(2):
            reply = await ask(client, f"{peer.plain}/upload", "POST", b"x" * size)
            assert reply.body == str(size).encode()


async def test_a_refusal_that_comes_before_the_body_was_read_is_received(peer: Server) -> None:
    body = b"x" * (MEGABYTE if peer.name == "nginx" else 50_000)
    async with open_client(1) as client:
        reply = await ask(client, f"{peer.plain}/refused", "POST", body)
        assert reply.status == 413
        assert (await ask(client, f"{peer.plain}/length")).body == b"hello"


async def test_over_tls_it_stays_with_http_1_1_whatever_else_is_offered(peer: Server) -> None:
    async with open_client(1, Route(tls=TlsMaterial(ca=peer.ca.read_bytes()))) as client:
        seen = [json.loads((await ask(client, f"{peer.secure}/request")).body) for _ in range(3)]
        chunks = await ask(client, f"{peer.secure}/chunks")
    assert {one["version"].removeprefix("HTTP/") for one in seen} == {"1.1"}
    assert len({one["peer"] for one in seen}) == 1
    assert chunks.body == CHUNKS
