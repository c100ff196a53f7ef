"""Resolves a host, checks its addresses and connects; every outgoing connection is made here.

A look-up blocks a thread. Each dialer has a few threads of its own, so that a name server that
does not answer for one peer does not delay the others.
"""

import os
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol, cast

import trio

from notifier.errors import TransportError, whose_trouble
from notifier.net.addresses import AddressPolicy
from notifier.net.tcp import TcpStream

_LOOKUPS = 4
_HEAD_START = 0.25  # seconds; RFC 8305 recommends it between one address and the next


class Slot(Protocol):
    """What trio asks of a limiter of threads; both methods run in trio's thread."""

    async def acquire_on_behalf_of(self, borrower: object) -> None:
        """Wait for room, or raise DeferredError."""

    def release_on_behalf_of(self, borrower: object) -> None:
        """Note that the thread has ended, long after its caller has given up perhaps."""


class Admission(Protocol):
    """What one exchange may use of what is limited over many peers."""

    @property
    def lookup(self) -> Slot:
        """The limiter of the look-up."""

    def admit(self, addresses: Sequence[str]) -> Sequence[str]:
        """Return the addresses that may be tried; raises DeferredError if there is none."""

    def connected(self, address: str) -> None:
        """Note which of them is used."""


class Dialer:
    """Connects to one peer's hosts, at addresses that `policy` allows."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._lookups = trio.CapacityLimiter(_LOOKUPS)

    async def dial(self, host: str, port: int, admission: Admission | None = None) -> TcpStream:
        """Connect to `host`, to the allowed address that answers first.

        Raises TransportError: "blocked" when no address is allowed, else "connect", or
        "resources" for a lack of this process. Raises DeferredError if `admission` does.
        """
        slot = self._lookups if admission is None else admission.lookup
        permitted: Sequence[str] = await self._permitted(host, port, slot)
        if admission is not None:
            permitted = admission.admit(permitted)
        address, stream = await _race(permitted, port)
        if admission is not None:
            admission.connected(address)
        return stream

    async def _permitted(self, host: str, port: int, slot: Slot) -> list[str]:
        permitted = []
        refusals = []
        for address in await _resolve(host, port, slot):
            reason = self._policy.refusal(ip_address(address.partition("%")[0]))
            if reason is None:
                permitted.append(address)
            else:
                refusals.append(f"{address} is {reason}")
        if not permitted:
            raise TransportError("blocked", refusals[0] if refusals else "no address")
        return permitted


async def _resolve(host: str, port: int, slot: Slot) -> list[str]:
    # trio documents that whatever has the two methods of a slot will do for a limiter
    limiter = cast("trio.CapacityLimiter", slot)
    try:
        return await trio.to_thread.run_sync(
            _look_up, host, port, abandon_on_cancel=True, limiter=limiter
        )
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "not a host name"
        raise TransportError("connect", f"the host cannot be looked up: {reason}") from None


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def _race(addresses: Sequence[str], port: int) -> tuple[str, TcpStream]:
    """Connect to the first address that answers; each has a head start on the next one."""
    winner: tuple[str, TcpStream] | None = None
    errors: list[OSError] = []

    async def attempt(address: str, over: trio.Event) -> None:
        nonlocal winner
        try:
            stream = await _connect(address, port)
        except OSError as error:
            errors.append(error)
        else:
            if winner is not None:
                stream.close()
            else:
                winner = address, stream
                nursery.cancel_scope.cancel()
        finally:
            over.set()

    try:
        async with trio.open_nursery() as nursery:
            for address in addresses:
                over = trio.Event()
                nursery.start_soon(attempt, address, over)
                with trio.move_on_after(_HEAD_START):
                    await over.wait()
    except BaseException:
        if winner is not None:  # cancelled just after it connected
            winner[1].close()
        raise
    if winner is None:
        number = errors[0].errno or 0
        raise TransportError(whose_trouble(number, "connect"), os.strerror(number))
    return winner


async def _connect(address: str, port: int) -> TcpStream:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # trio connects the socket that it wraps; afterwards it is used without the wrapper
    raw = socket.socket(family, socket.SOCK_STREAM)
    try:
        await trio.socket.from_stdlib_socket(raw).connect((address, port))
    except BaseException:
        raw.close()
        raise
    return TcpStream(raw)
