"""Connecting: the address that was checked is the one that is connected to."""

import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
import trio

from notifier.errors import DeferredError, TransportError
from notifier.net import ANYWHERE, AddressPolicy, Dialer

PATIENCE = 60
PUBLIC_ONLY = AddressPolicy(public_only=True)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Return a table of names and addresses that takes the place of the name service."""
    table: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def look_up(host: str, port: int, *rest: int, **options: int) -> list[Any]:
        addresses = table.get(host, [host])
        return [found for each in addresses for found in real(each, port, *rest, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return table


async def listening(nursery: trio.Nursery, host: str = "127.0.0.1") -> int:
    (listener,) = await trio.open_tcp_listeners(0, host=host)
    nursery.start_soon(trio.serve_listeners, _hold, [listener])
    port: int = listener.socket.getsockname()[1]
    return port


async def _hold(stream: trio.SocketStream) -> None:
    await stream.receive_some(1)


async def refusal(dialer: Dialer, host: str, port: int = 80) -> TransportError:
    with pytest.raises(TransportError) as raised:
        await dialer.dial(host, port)
    return raised.value


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "0251.0376.0251.0376",
        "0xa9.0xfe.0xa9.0xfe",
        "0xa9fea9fe",
        "169.254.43518",
        "fe80::1",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
    ],
)
async def test_the_metadata_service_is_not_reached_however_it_is_spelled(host: str) -> None:
    assert (await refusal(Dialer(ANYWHERE), host)).kind == "blocked"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "127.1", "0x7f.1", "::1", "::ffff:127.0.0.1"]
)
async def test_loopback_is_not_public_however_it_is_spelled(host: str) -> None:
    told = await refusal(Dialer(PUBLIC_ONLY), host)
    assert told.kind == "blocked"
    assert "public_only" in told.detail


async def test_a_name_is_checked_by_the_address_that_is_connected_to(
    names: dict[str, list[str]],
) -> None:
    names["hook.example"] = ["127.0.0.1"]
    async with trio.open_nursery() as nursery:
        port = await listening(nursery)
        stream = await Dialer(ANYWHERE).dial("hook.example", port)
        assert stream.socket.getpeername() == ("127.0.0.1", port)
        await stream.aclose()
        assert (await refusal(Dialer(PUBLIC_ONLY), "hook.example", port)).kind == "blocked"
        nursery.cancel_scope.cancel()


async def test_every_attempt_looks_the_name_up_and_checks_again(
    names: dict[str, list[str]],
) -> None:
    dialer = Dialer(ANYWHERE)
    async with trio.open_nursery() as nursery:
        port = await listening(nursery)
        names["rebinding.example"] = ["127.0.0.1"]
        await (await dialer.dial("rebinding.example", port)).aclose()
        names["rebinding.example"] = ["169.254.169.254"]
        assert (await refusal(dialer, "rebinding.example", port)).kind == "blocked"
        nursery.cancel_scope.cancel()


async def test_of_a_names_addresses_only_the_permitted_ones_are_tried(
    names: dict[str, list[str]],
) -> None:
    names["mixed.example"] = ["169.254.169.254", "127.0.0.1"]
    async with trio.open_nursery() as nursery:
        port = await listening(nursery)
        stream = await Dialer(ANYWHERE).dial("mixed.example", port)
        assert stream.socket.getpeername()[0] == "127.0.0.1"
        await stream.aclose()
        nursery.cancel_scope.cancel()


class Not127002(AddressPolicy):
    """Refuses one address that would answer."""

    def refusal(self, address: IPv4Address | IPv6Address) -> str | None:
        return "refused here" if str(address) == "127.0.0.2" else None


async def test_a_refused_address_is_not_even_connected_to_beside_a_permitted_one(
    names: dict[str, list[str]],
) -> None:
    names["mixed.example"] = ["127.0.0.2", "127.0.0.1"]
    with socket.create_server(("127.0.0.2", 0)) as refused:
        refused.settimeout(0)
        port = refused.getsockname()[1]
        with socket.create_server(("127.0.0.1", port)):
            stream = await Dialer(Not127002()).dial("mixed.example", port)
            assert stream.socket.getpeername()[0] == "127.0.0.1"
            await stream.aclose()
            with pytest.raises(BlockingIOError):
                refused.accept()


async def test_a_lookup_that_hangs_holds_up_nobody_who_has_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(PATIENCE) and [])
    rescue = threading.Timer(10, over.set)
    rescue.start()
    try:
        with trio.move_on_after(0.01) as waiting:
            await Dialer(ANYWHERE).dial("hangs.example", 80)
        assert waiting.cancelled_caught
        assert not over.is_set()
    finally:
        rescue.cancel()
        over.set()


async def test_an_address_that_refuses_gives_way_to_the_next(names: dict[str, list[str]]) -> None:
    names["two.example"] = ["127.0.0.2", "127.0.0.1"]
    async with trio.open_nursery() as nursery:
        port = await listening(nursery)
        stream = await Dialer(ANYWHERE).dial("two.example", port)
        assert stream.socket.getpeername()[0] == "127.0.0.1"
        await stream.aclose()
        nursery.cancel_scope.cancel()


async def test_a_port_without_a_listener_gives_the_operating_systems_message() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    told = await refusal(Dialer(ANYWHERE), "127.0.0.1", port)
    assert (told.kind, told.detail) == ("connect", "Connection refused")


async def test_a_name_that_does_not_resolve_is_a_connect_error() -> None:
    told = await refusal(Dialer(ANYWHERE), "no-such-host.invalid")
    assert told.kind == "connect"
    assert told.detail.startswith("the host cannot be looked up")


async def test_a_label_that_is_too_long_is_no_crash() -> None:
    told = await refusal(Dialer(ANYWHERE), "x" * 70 + ".example")
    assert told.kind == "connect"
    assert told.detail.endswith("not a host name")


async def test_the_name_service_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    told = await refusal(Dialer(ANYWHERE), "some.example")
    assert told.detail == "the host cannot be looked up: Temporary failure"


async def test_a_name_without_an_address_is_not_connected_to(names: dict[str, list[str]]) -> None:
    names["empty.example"] = []
    told = await refusal(Dialer(ANYWHERE), "empty.example")
    assert (told.kind, told.detail) == ("blocked", "no address")


async def test_an_ipv6_address_is_connected_to() -> None:
    async with trio.open_nursery() as nursery:
        port = await listening(nursery, "::1")
        stream = await Dialer(ANYWHERE).dial("::1", port)
        assert stream.socket.getpeername()[:2] == ("::1", port)
        await stream.aclose()
        nursery.cancel_scope.cancel()


@dataclass
class Granted:
    """Grants the look-up and one of the addresses, and notes what is used."""

    only: str = ""
    refuses: bool = False
    under_way: int = 0
    used: list[str] = field(default_factory=list)
    ended: trio.Event = field(default_factory=trio.Event)

    @property
    def lookup(self) -> "Granted":
        return self

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        if self.refuses:
            raise DeferredError("no room", 1.0)
        self.under_way += 1

    def release_on_behalf_of(self, borrower: object) -> None:
        self.under_way -= 1
        self.ended.set()

    def admit(self, addresses: Sequence[str]) -> Sequence[str]:
        return [address for address in addresses if address == self.only]

    def connected(self, address: str) -> None:
        self.used.append(address)


async def test_only_admitted_addresses_are_tried_and_the_one_that_is_used_is_noted(
    names: dict[str, list[str]],
) -> None:
    names["two.example"] = ["127.0.0.2", "127.0.0.1"]
    admission = Granted(only="127.0.0.1")
    with socket.create_server(("127.0.0.2", 0)) as other:
        other.settimeout(0)
        port = other.getsockname()[1]
        with socket.create_server(("127.0.0.1", port)):
            stream = await Dialer(ANYWHERE).dial("two.example", port, admission)
            await stream.aclose()
            with pytest.raises(BlockingIOError):
                other.accept()
    assert admission.used == ["127.0.0.1"]
    assert admission.under_way == 0


async def test_a_lookup_without_room_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *names, **_: begun.append(names))
    with pytest.raises(DeferredError):
        await Dialer(ANYWHERE).dial("some.example", 80, Granted(refuses=True))
    assert begun == []


async def test_a_lookup_counts_until_its_thread_has_ended_also_when_nobody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(PATIENCE) and [])
    admission = Granted()
    try:
        with trio.move_on_after(0.01):
            await Dialer(ANYWHERE).dial("hangs.example", 80, admission)
        assert admission.under_way == 1
    finally:
        over.set()
    with trio.fail_after(PATIENCE):
        await admission.ended.wait()
    assert admission.under_way == 0
