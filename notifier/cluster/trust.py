"""How long an instance may work without having reached the store.

It stops before others may take its work: it counts from the moment at which it sent its last
successful beat, they from the later moment at which the database committed it. Each by its own
clock, so that clocks are never compared.
"""

import math
from collections.abc import Callable

TRUSTED = 0.8
"""The share of a lease for which an instance works after it has sent a beat."""

_SLOW = 0.2
"""The share of a lease from which on a beat may have waited for a store that was away for all.

The last beat of another one may be 0.4 leases older than that of who judges, which sends its own
after 0.4 leases. So it has waited for 0.2 leases before the other's time can be over.
"""


class Trust:
    """The trust of one instance, by `clock`, which goes on while the machine sleeps (seconds).

    `lease` is how long others let the instance live after a beat, in seconds.
    """

    def __init__(self, lease: float, clock: Callable[[], float]) -> None:
        self._lease = lease
        self._clock = clock
        self._until = -math.inf
        self._contact_since = math.inf

    def renew(self, sent_at: float) -> None:
        """Work on: a beat that was sent at that time was committed."""
        if sent_at >= self._until or self._clock() - sent_at >= _SLOW * self._lease:
            self.doubt()
        self._until = max(self._until, sent_at + TRUSTED * self._lease)

    def doubt(self) -> None:
        """Judge nobody for a lease time: others may have been unable to beat until now."""
        self._contact_since = self._clock()

    def end(self) -> None:
        """Stop working: others have taken over, or may have."""
        self._until = -math.inf
        self._contact_since = math.inf

    def holds(self) -> bool:
        """Tell whether the instance may work at this moment."""
        return self._clock() < self._until

    def left(self) -> float:
        """Return for how many seconds it may work; 0 if it may not."""
        return max(self._until - self._clock(), 0.0)

    def may_bury(self) -> bool:
        """Tell whether it has reached the store without a break for long enough to judge others.

        Who was cut off itself, or found the store down, must give the others time to beat.
        """
        return self.holds() and self._clock() - self._contact_since >= self._lease
