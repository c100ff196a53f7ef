"""A circuit: how much may be sent to an endpoint that has been failing.

Closed, it is in nobody's way. After five failures in a row it opens: one attempt at a time, the
probe, and after each that fails a wait that grows to a minute. The first success starts the
ramp: one attempt a second, twice as many every ten seconds, until it is closed again a minute
later. So an endpoint that is down is left in peace, and one that comes back gets its backlog
without being knocked over by it.

A circuit only ever holds an attempt back; when a delivery is due is decided by its row. It is
kept in memory: after a restart five failures open it again. Times are seconds of a clock that
never jumps.
"""

import math
from random import Random

from notifier.schedule.backoff import growing, jittered

OPENS_AFTER = 5
"""How many failures in a row open the circuit."""

LONGEST_PROBE_WAIT = 60.0
"""The most that is waited between two probes of our own accord, in seconds."""

LONGEST_ASKED_WAIT = 300.0
"""The most that a receiver's Retry-After can put the next probe off, in seconds."""

_FIRST_PROBE_WAIT = 5.0
_RAMP_RATE = 1.0
_RAMP_DOUBLES_IN = 10.0
_RAMP_LASTS = 60.0
_RAMP_FORGIVES = 1


class Circuit:
    """The circuit of one endpoint."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._failures = 0
        self._probe_at: float | None = None
        self._ramp_began: float | None = None
        self._turn = -math.inf

    @property
    def is_open(self) -> bool:
        """Whether only probes go out."""
        return self._probe_at is not None

    def room(self, now: float, in_flight: int) -> float:
        """Return how many attempts may be started now, beside those in flight."""
        if self._probe_at is not None:
            return 1 if in_flight == 0 and now >= self._probe_at else 0
        if self._ramping(now):
            return 1 if now >= self._turn else 0
        return math.inf

    def wait(self, now: float) -> float:
        """Return in how many seconds there may be room, infinity if only a result makes it."""
        at = self._turn if self._probe_at is None else self._probe_at
        return at - now if at > now else math.inf

    def started(self, now: float) -> None:
        """Note that an attempt has been started."""
        if self._ramp_began is not None:
            rate = _RAMP_RATE * 2 ** ((now - self._ramp_began) / _RAMP_DOUBLES_IN)
            self._turn = now + 1 / rate

    def succeeded(self, now: float) -> bool:
        """Note a success; tell whether it ended a time of probing."""
        self._failures = 0
        if self._probe_at is None:
            return False
        self._probe_at = None
        self._ramp_began = now
        self._turn = now + 1 / _RAMP_RATE
        return True

    def failed(self, now: float, retry_after: float | None) -> bool:
        """Note a failure, and what the receiver asked for; tell whether it opened the circuit."""
        self._failures += 1
        if self._ramping(now) and self._failures > _RAMP_FORGIVES:
            self._failures = max(self._failures, OPENS_AFTER)
        if self._failures < OPENS_AFTER:
            return False
        opened = self._probe_at is None
        wait = growing(_FIRST_PROBE_WAIT, self._failures - OPENS_AFTER + 1, LONGEST_PROBE_WAIT)
        asked = min(retry_after or 0.0, LONGEST_ASKED_WAIT)
        self._probe_at = now + max(jittered(wait, self._rng), asked)
        self._ramp_began = None
        self._turn = -math.inf
        return opened

    def _ramping(self, now: float) -> bool:
        if self._ramp_began is not None and now >= self._ramp_began + _RAMP_LASTS:
            self._ramp_began = None
            self._turn = -math.inf
        return self._ramp_began is not None
