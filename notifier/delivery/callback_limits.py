"""What callbacks may use, so that a receiver that hangs delays its own callbacks alone.

Callback URLs come from many tenants and have nothing in common. Each host name and each connected
address has slots and a circuit of its own. Attempts, look-ups and sockets are limited over all of
them, in shares: peers that last failed may take a quarter of each, those that never succeeded
three quarters. So receivers that hang leave room for new ones, and both for proven ones. Whoever
finds no room is deferred, at the cost of nothing, and served in turn.
"""

import resource
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from random import Random
from typing import Self

import trio

from notifier.delivery.peer_state import (
    LONGEST_PAUSE,
    PAUSE,
    Answer,
    PeerState,
    PeerStates,
    Standing,
)
from notifier.errors import DeferredError

MOST_STATES = 1000
"""How many host names and addresses are remembered together."""

MOST_CALLBACKS = 256
"""How many attempts at callbacks are in flight together, at most."""

_MOST_LOOKUPS = 128
_DESCRIPTOR_SHARE = 4
_UNLIMITED = 1024
_ADDRESSES_RACED = 4
_IPV6_SITE = 64  # bits; one owner has all addresses behind them


_HOST_SLOTS = {Standing.FRESH: 1, Standing.PROVEN: 8, Standing.FAILING: 1}
_ADDRESS_SLOTS = {Standing.FRESH: 4, Standing.PROVEN: 64, Standing.FAILING: 2}


class Shares:
    """Counts what is in use of a limited resource, by the standing of those who use it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._used = dict.fromkeys(Standing, 0)

    def room(self, standing: Standing) -> int:
        """Return how much a peer of this standing may still take."""
        failing = self._used[Standing.FAILING]
        unproven = failing + self._used[Standing.FRESH]
        room = self._most - unproven - self._used[Standing.PROVEN]
        if standing is not Standing.PROVEN:
            room = min(room, self._most * 3 // 4 - unproven)
        if standing is Standing.FAILING:
            room = min(room, self._most // 4 - failing)
        return max(room, 0)

    def take(self, standing: Standing) -> None:
        """Count one more in use."""
        self._used[standing] += 1

    def release(self, standing: Standing) -> None:
        """Count one less in use, of those taken with this standing."""
        self._used[standing] -= 1


class CallbackLimits:
    """The limits of all callback lanes of a daemon: at most `most` attempts and sockets at once.

    A lane holds `claiming` from its question what may be claimed until the start of each attempt.
    """

    def __init__(self, most: int, rng: Random) -> None:
        self.most = most
        self.attempts = Shares(most)
        self.lookups = Shares(min(most, _MOST_LOOKUPS))
        self.sockets = Shares(most)
        self.hosts: PeerStates[tuple[str, str]] = PeerStates(MOST_STATES // 2, _HOST_SLOTS, rng)
        self.addresses: PeerStates[str] = PeerStates(MOST_STATES // 2, _ADDRESS_SLOTS, rng)
        self.claiming = trio.Lock()

    @classmethod
    def of_process(cls, rng: Random) -> Self:
        """Return the limits for this process: a quarter of its descriptors, at most 256."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        descriptors = _UNLIMITED if soft == resource.RLIM_INFINITY else soft
        return cls(min(MOST_CALLBACKS, descriptors // _DESCRIPTOR_SHARE), rng)

    def held(self, lane: str, now: float) -> dict[str, float]:
        """Return in how many seconds each host name that has to wait is looked at again."""
        has_failing_room = self.attempts.room(Standing.FAILING) > 0
        waits = {}
        for (of_lane, name), state in self.hosts.known.items():
            if of_lane != lane:
                continue
            wait = state.wait(now)
            if not wait and state.standing is Standing.FAILING and not has_failing_room:
                wait = PAUSE
            if wait:
                waits[name] = wait
        return waits

    def proven(self, lane: str) -> list[str]:
        """Return the host names whose last attempt succeeded."""
        return [
            name
            for (of_lane, name), state in self.hosts.known.items()
            if of_lane == lane and state.standing is Standing.PROVEN
        ]

    def start(self, lane: str, host: str) -> "CallbackAttempt":
        """Count one more attempt at `host`, for callbacks signed as for one endpoint."""
        return CallbackAttempt(self, self.hosts.of((lane, host)))

    def defer(self, host: PeerState, why: str, wait: float = 0.0) -> DeferredError:
        """Return the error that defers an attempt at a host name, for `wait` seconds or longer.

        When there are more names than can be remembered, each waits as long as one that was
        deferred often: else all of them would be looked up every second.
        """
        held = host.defer(trio.current_time(), LONGEST_PAUSE if self.hosts.is_full else wait)
        return DeferredError(why, held)


class CallbackAttempt:
    """One attempt's use of the limits; it decides what the HTTP client may use for it."""

    def __init__(self, limits: CallbackLimits, host: PeerState) -> None:
        self._limits = limits
        self._host = host
        self._standing = host.standing
        self._addresses: dict[str, PeerState] = {}
        limits.attempts.take(self._standing)
        host.start(trio.current_time())

    @property
    def lookup(self) -> "LookupSlot":
        """The limiter of a look-up of the host name."""
        return LookupSlot(self._limits, self._host)

    def admit(self, addresses: Sequence[str]) -> list[str]:
        """Return those of the host's addresses that may be connected to; counts a socket for each.

        Raises DeferredError if there is none.
        """
        now = trio.current_time()
        waits = []
        for address in addresses:
            if not self._has_socket():
                break
            state = self._limits.addresses.of(_site(address))
            # a host that works is not held back by others behind the same address
            wait = 0.0 if self._standing is Standing.PROVEN else state.wait(now)
            if wait:
                waits.append(wait)
                continue
            state.start(now)
            self._limits.sockets.take(self._standing)
            self._addresses[address] = state
        if not self._addresses:
            why, wait = "its address has no free slot", min(waits, default=0.0)
            raise self._limits.defer(self._host, why, wait)
        return list(self._addresses)

    def connected(self, address: str) -> None:
        """Give up the other addresses that were admitted."""
        for other in self._addresses.keys() - {address}:
            self._release(other)

    def note(self, answer: Answer) -> None:
        """Note how the attempt ended, for the host name and the addresses."""
        now = trio.current_time()
        self._host.note(answer, now)
        for state in self._addresses.values():
            state.note(Answer(answer.came, answer.is_good), now)

    def close(self) -> None:
        """Give everything back."""
        for address in list(self._addresses):
            self._release(address)
        self._host.in_flight -= 1
        self._limits.attempts.release(self._standing)

    def _has_socket(self) -> bool:
        """Tell whether one more address may be raced: the first always, if a socket is free."""
        if not self._addresses:
            return self._limits.sockets.room(self._standing) > 0
        spare = self._limits.sockets.room(self._standing) > self._limits.most // 2
        return spare and len(self._addresses) < _ADDRESSES_RACED

    def _release(self, address: str) -> None:
        self._addresses.pop(address).in_flight -= 1
        self._limits.sockets.release(self._standing)


class LookupSlot:
    """A trio limiter for one look-up: it never waits, and counts until the thread has ended.

    The thread of a look-up that hangs goes on after its attempt has been given up.
    """

    def __init__(self, limits: CallbackLimits, host: PeerState) -> None:
        self._limits = limits
        self._host = host
        self._standing = host.standing

    async def acquire_on_behalf_of(self, _borrower: object) -> None:
        """Count the look-up; raises DeferredError if too many are under way."""
        if self._host.lookups >= self._host.slots:
            why = "an earlier look-up of the name is still under way"
            raise self._limits.defer(self._host, why)
        if not self._limits.lookups.room(self._standing):
            raise self._limits.defer(self._host, "too many look-ups are under way")
        self._host.lookups += 1
        self._limits.lookups.take(self._standing)

    def release_on_behalf_of(self, _borrower: object) -> None:
        """Count the look-up as ended."""
        self._host.lookups -= 1
        self._limits.lookups.release(self._standing)


def _site(address: str) -> str:
    """Return what one owner has: an IPv4 address, or 64 bits of an IPv6 address."""
    parsed = ip_address(address.partition("%")[0])
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _IPV6_SITE), strict=False))
