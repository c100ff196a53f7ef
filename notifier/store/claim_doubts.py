"""Remembers claims of which it is not known whether they were committed.

When a connection is lost, or an answer is late, a claim may be committed all the same: its
deliveries are then in flight, and no lane has them. The time of a claim is in its rows, and no
other claim of this process has the same, so that the next claim of the lane can undo it.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from notifier.errors import StoreError


class ClaimDoubts:
    """The times of claims that ended with a StoreError, by endpoint."""

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = {}
        self._latest = -math.inf

    @contextmanager
    def claiming(self, endpoint: str, now: float) -> Iterator[tuple[float, Sequence[float]]]:
        """Give the time for a claim and the times of those in doubt, which the claim undoes."""
        # what is handed over with an ending has the time itself
        self._latest = math.nextafter(max(now, self._latest), math.inf)
        at, in_doubt = self._latest, self._times.get(endpoint, [])
        try:
            yield at, tuple(in_doubt)
        except StoreError:
            self._times[endpoint] = [*in_doubt, at]
            raise
        self._times.pop(endpoint, None)
