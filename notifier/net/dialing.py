"""Resolves a host, checks its addresses and connects; every outgoing connection is made here.

A look-up blocks a thread. Each dialer has a few threads of its own, so that a name server that
does not answer for one peer does not delay the others.
"""

import os
import socket
from ipaddress import ip_address

import trio

from notifier.errors import TransportError, whose_trouble
from notifier.net.addresses import AddressPolicy
from notifier.net.tcp import TcpStream

_LOOKUPS = 4
_HEAD_START = 0.25  # seconds; RFC 8305 recommends it between one address and the next


class Dialer:
    """Connects to one peer's hosts, at addresses that `policy` allows."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._lookups = trio.CapacityLimiter(_LOOKUPS)

    async def dial(self, host: str, port: int) -> TcpStream:
        """Connect to `host`, to the allowed address that answers first.

        Raises TransportError: "blocked" when no address is allowed, else "connect", or
        "resources" for a lack of this process.
        """
        permitted = []
        refusals = []
        for address in await self._resolve(host, port):
            reason = self._policy.refusal(ip_address(address.partition("%")[0]))
            if reason is None:
                permitted.append(address)
            else:
                refusals.append(f"{address} is {reason}")
        if not permitted:
            raise TransportError("blocked", refusals[0] if refusals else "no address")
        return await _race(permitted, port)

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            return await trio.to_thread.run_sync(
                _look_up, host, port, abandon_on_cancel=True, limiter=self._lookups
            )
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "not a host name"
            raise TransportError("connect", f"the host cannot be looked up: {reason}") from None


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def _race(addresses: list[str], port: int) -> TcpStream:
    """Connect to the first address that answers; each has a head start on the next one."""
    winner: TcpStream | None = None
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
                winner = stream
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
            winner.close()
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
