"""A circuit breaker: how much may be sent to an endpoint that has been failing.

A closed circuit limits nothing. Five failures in a row open it. An open circuit lets one attempt
through at a time, the probe, and after each failed probe waits longer, up to a minute. The first
success starts the ramp: one attempt a second at first, and twice as many every ten seconds. After
a minute the circuit is closed again. So an endpoint that is down gets few requests, and one that
recovers is not overloaded by its backlog.

A circuit only holds attempts back. When a delivery is due is decided by its row. The circuit is
kept in memory, so after a restart it takes five failures to open it again. Times are seconds of
a clock that never jumps.
"""

import math
from random import Random

from notifier.schedule.backoff import growing, jittered

OPENS_AFTER = 5
"""How many failures in a row open the circuit."""

LONGEST_PROBE_WAIT = 60.0
"""The longest wait between two probes that no Retry-After lengthens, in seconds."""

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
        self._next_start = -math.inf

    @property
    def is_open(self) -> bool:
        """Whether only probes are sent."""
        return self._probe_at is not None

    def room(self, now: float, in_flight: int) -> float:
        """Return how many more attempts may be started now."""
        if self._probe_at is not None:
            return 1 if in_flight == 0 and now >= self._probe_at else 0
        if self._ramping(now):
            return 1 if now >= self._next_start else 0
        return math.inf

    def wait(self, now: float) -> float:
        """Return the seconds until there may be room; infinity if that takes a result first."""
        at = self._next_start if self._probe_at is None else self._probe_at
        return at - now if at > now else math.inf

    def started(self, now: float) -> None:
        """Note that an attempt has been started."""
        if self._ramp_began is not None:
            rate = _RAMP_RATE * 2 ** ((now - self._ramp_began) / _RAMP_DOUBLES_IN)
            self._next_start = now + 1 / rate

    def succeeded(self, now: float) -> bool:
        """Note a success; return whether it closed an open circuit."""
        self._failures = 0
        if self._probe_at is None:
            return False
        self._probe_at = None
        self._ramp_began = now
        self._next_start = now + 1 / _RAMP_RATE
        return True

    def failed(self, now: float, retry_after: float | None) -> bool:
        """Note a failure and its Retry-After in seconds; return whether the circuit opened."""
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
        self._next_start = -math.inf
        return opened

    def _ramping(self, now: float) -> bool:
        if self._ramp_began is not None and now >= self._ramp_began + _RAMP_LASTS:
            self._ramp_began = None
            self._next_start = -math.inf
        return self._ramp_began is not None
