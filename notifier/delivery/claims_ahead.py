"""Claims that a lane makes ahead of their attempts, so that many share one transaction."""

from collections import deque
from collections.abc import Iterable

from notifier.model.delivery import Claim

MOST_AHEAD = 64
"""How many deliveries are claimed ahead, at most."""

_SECONDS = 0.5


class ClaimsAhead:
    """Holds the claims whose attempts have not begun, and says how many there should be.

    That is what the endpoint received in the last half second, and since the last failure. Times
    are those of trio's clock.
    """

    def __init__(self) -> None:
        self._claims = deque[Claim]()
        self._rate = 0.0
        self._received = 0
        self._counted_since = 0.0

    def __len__(self) -> int:
        return len(self._claims)

    def count_success(self) -> None:
        """Note that a delivery was received."""
        self._received += 1

    def restart(self, now: float) -> None:
        """Forget the successes so far: an attempt has failed."""
        self._rate = 0.0
        self._received, self._counted_since = 0, now

    def wanted(self, now: float) -> int:
        """Return how many claims to hold."""
        seconds = now - self._counted_since
        if seconds >= _SECONDS:
            self._rate = self._received / seconds
            self._received, self._counted_since = 0, now
        else:
            self._rate = max(self._rate, self._received / _SECONDS)
        return min(int(self._rate * _SECONDS), MOST_AHEAD)

    def add(self, claims: Iterable[Claim]) -> None:
        """Hold further claims, behind the others."""
        self._claims.extend(claims)

    def take(self, most: int) -> list[Claim]:
        """Take up to `most` claims, the oldest first."""
        return [self._claims.popleft() for _ in range(min(most, len(self._claims)))]

    def put_back(self, claims: Iterable[Claim]) -> None:
        """Hold claims again that were taken last."""
        self._claims.extendleft(reversed(list(claims)))
