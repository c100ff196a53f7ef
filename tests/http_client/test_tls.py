"""Certificates: verified always, private ones where the config names their CA."""

import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from socket import IPPROTO_TCP, TCP_CORK
from typing import Any

import pytest
import trio
import trustme

from notifier.errors import TransportError
from notifier.http_client import HttpRequest, HttpResponse, Route, open_client
from notifier.net import TlsMaterial
from tests.http_client.raw import OK, get, serving_tls

PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@asynccontextmanager
async def secure_server(certificate: trustme.LeafCert) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)

    async def answer(stream: trio.SSLStream[trio.SocketStream]) -> None:
        try:
            while await stream.receive_some():
                await stream.send_all(OK)
        except trio.BrokenResourceError:
            return

    async with trio.open_nursery() as nursery:
        serve = partial(trio.serve_ssl_over_tcp, answer, 0, context, host="127.0.0.1")
        (listener,) = await nursery.start(serve)
        yield listener.transport_listener.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def ask(
    port: int, ca_file: Path | None, times: int = 1, host: str = "localhost"
) -> HttpResponse:
    tls = TlsMaterial(ca=None if ca_file is None else ca_file.read_bytes())
    async with open_client(1, Route(tls=tls)) as client:
        for _ in range(times):
            reply = await client.send(
                HttpRequest("GET", f"https://{host}:{port}/", headers={}, deadline=60, max_body=10)
            )
        return reply


async def refused(port: int, ca_file: Path | None) -> str:
    with pytest.raises(TransportError) as raised:
        await ask(port, ca_file)
    assert raised.value.kind == "tls"
    return raised.value.detail


async def test_a_private_ca_is_trusted_where_the_config_names_it(
    authority: trustme.CA, ca_file: Path
) -> None:
    async with secure_server(authority.issue_cert("localhost")) as port:
        assert (await ask(port, ca_file, times=3)).body == b"ok"


async def test_a_dot_behind_the_name_is_not_part_of_the_name_in_a_certificate(
    authority: trustme.CA, ca_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo  # not every machine looks up "localhost."

    def look_up(host: str, *rest: int, **options: int) -> list[Any]:
        return real(host.removesuffix("."), *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    async with secure_server(authority.issue_cert("localhost")) as port:
        assert (await ask(port, ca_file, host="localhost.")).body == b"ok"


async def test_and_nowhere_else(authority: trustme.CA) -> None:
    async with secure_server(authority.issue_cert("localhost")) as port:
        assert "certificate" in await refused(port, None)


async def test_a_self_signed_certificate_is_refused(ca_file: Path) -> None:
    async with secure_server(trustme.CA().issue_cert("localhost")) as port:
        assert "certificate" in await refused(port, ca_file)


async def test_an_expired_certificate_is_refused(authority: trustme.CA, ca_file: Path) -> None:
    expired = authority.issue_cert("localhost", not_after=PAST)
    async with secure_server(expired) as port:
        assert await refused(port, ca_file) == "certificate has expired"


async def test_a_certificate_for_another_host_is_refused(
    authority: trustme.CA, ca_file: Path
) -> None:
    async with secure_server(authority.issue_cert("other.example")) as port:
        assert "Hostname mismatch" in await refused(port, ca_file)


async def test_a_server_that_speaks_no_tls_is_trouble_with_tls() -> None:
    async def answer(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(OK)

    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(partial(trio.serve_tcp, answer, 0, host="127.0.0.1"))
        await refused(listener.socket.getsockname()[1], None)
        nursery.cancel_scope.cancel()


async def test_what_follows_an_answer_within_tls_is_not_taken_for_the_next(
    tmp_path: Path,
) -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        assert isinstance(stream, trio.SSLStream)
        socket = stream.transport_stream.socket
        socket.setsockopt(IPPROTO_TCP, TCP_CORK, 1)  # both in one packet, each in its own record
        await stream.send_all(OK)
        await stream.send_all(OK.replace(b"ok", b"no"))
        socket.setsockopt(IPPROTO_TCP, TCP_CORK, 0)

    async with serving_tls(answer, tmp_path / "ca.pem") as (server, client):
        for _ in range(3):
            assert (await get(client, server)).body == b"ok"
        assert server.connections == 3


@pytest.mark.parametrize("goodbye", [True, False])
async def test_the_end_of_a_connection_ends_a_body_without_a_length_said_or_not(
    tmp_path: Path, goodbye: bool
) -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        assert isinstance(stream, trio.SSLStream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 90_000)
        await (stream if goodbye else stream.transport_stream).aclose()

    async with serving_tls(answer, tmp_path / "ca.pem") as (server, client):
        assert len((await get(client, server)).body) == 90_000


async def test_an_answer_that_is_cut_short_within_tls_is_no_answer(tmp_path: Path) -> None:
    async def answer(stream: trio.abc.Stream) -> None:
        await stream.send_all(OK[:-1])
        await stream.aclose()

    async with serving_tls(answer, tmp_path / "ca.pem") as (server, client):
        with pytest.raises(TransportError) as raised:
            await get(client, server)
    assert raised.value.kind == "reset"
