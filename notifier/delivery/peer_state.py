"""What is known of the host names and addresses that callbacks go to."""

import math
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import Generic, TypeVar

from notifier.delivery.circuit import Circuit
from notifier.schedule.backoff import growing

K = TypeVar("K", bound=Hashable)

_LEAST_WAIT = 0.02  # seconds: a wait that rounding makes nothing would be no wait
LONGEST_PAUSE = 16.0
"""The longest time that a deferral takes if nothing else makes it longer, in seconds."""

PAUSE = 1.0
"""After how many seconds a peer without room is looked at again."""


class Standing(Enum):
    """How the last attempt at a peer ended, and how many slots the peer has for that."""

    FRESH = "fresh"
    PROVEN = "proven"
    FAILING = "failing"


class PeerState:
    """What is known of one host name or address; times are those of trio's clock."""

    def __init__(self, slots: Mapping[Standing, int], rng: Random) -> None:
        self._slots = slots
        self._circuit = Circuit(rng)
        self.standing = Standing.FRESH
        self.in_flight = 0
        self.lookups = 0
        self._deferrals = 0
        self._held_until = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether nothing of this peer is under way."""
        return not self.in_flight and not self.lookups

    @property
    def slots(self) -> int:
        """How much may be under way with this peer at a time."""
        return self._slots[self.standing]

    def wait(self, now: float) -> float:
        """Return the seconds until an attempt may be made; 0 if it may be made now."""
        if self.in_flight >= self.slots:
            return PAUSE
        if not self._circuit.room(now, self.in_flight):
            wait = self._circuit.wait(now)
            return PAUSE if wait == math.inf else max(wait, _LEAST_WAIT)
        wait = self._held_until - now
        return max(wait, _LEAST_WAIT) if wait > 0 else 0.0

    def start(self, now: float) -> None:
        """Note that an attempt has been started."""
        self.in_flight += 1
        self._circuit.started(now)

    def defer(self, now: float, wait: float = 0.0) -> float:
        """Hold the next attempt back for `wait` seconds, longer if it was deferred before.

        Returns the seconds.
        """
        self._deferrals += 1
        wait = max(wait, growing(PAUSE, self._deferrals, LONGEST_PAUSE))
        self._held_until = now + wait
        return wait

    def note(self, answer: "Answer", now: float) -> None:
        """Note how an attempt ended."""
        self._deferrals = 0
        if answer.is_good:
            self._circuit.succeeded(now)
            self.standing = Standing.PROVEN
            return
        self._circuit.failed(now, answer.retry_after)
        if not answer.came:
            self.standing = Standing.FAILING


@dataclass(frozen=True, slots=True)
class Answer:
    """What an attempt says about the peer: whether an answer came, and one of a working server.

    A 4xx is one: it is about that URL alone. `retry_after` is in seconds.
    """

    came: bool
    is_good: bool
    retry_after: float | None = None


class PeerStates(Generic[K]):
    """The states of peers by name; the least recently used idle ones are forgotten."""

    def __init__(self, most: int, slots: Mapping[Standing, int], rng: Random) -> None:
        self._most = most
        self._slots = slots
        self._rng = rng
        self.known: OrderedDict[K, PeerState] = OrderedDict()

    def of(self, name: K) -> PeerState:
        """Return the state of a peer, a new one if nothing is known of it."""
        state = self.known.get(name)
        if state is None:
            if self.is_full:
                self._forget_one()
            state = self.known[name] = PeerState(self._slots, self._rng)
        self.known.move_to_end(name)
        return state

    @property
    def is_full(self) -> bool:
        """Whether a new state takes the place of another one."""
        return len(self.known) >= self._most

    def _forget_one(self) -> None:
        idle = next((name for name, state in self.known.items() if state.is_idle), None)
        if idle is not None:
            del self.known[idle]
