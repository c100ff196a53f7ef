"""How long connections live, so that a changed address of a peer is followed.

A name is looked up when a connection is made, and never for one that exists.
"""

from dataclasses import dataclass, field
from random import Random

import trio

_LEAST = 0.8
"""The share of the age that every connection reaches; the rest is chance."""


@dataclass(frozen=True, slots=True)
class ConnectionAge:
    """At most `seconds`, and up to a fifth less: not all connections are made anew at once."""

    seconds: float
    rng: Random = field(default_factory=Random)

    def end(self) -> float:
        """Return until when (trio's clock) a connection that is made now may be used."""
        return trio.current_time() + self.seconds * self.rng.uniform(_LEAST, 1)
