"""Replaying events batch by batch, for the API and the page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from notifier.control.operations import Operations
from notifier.store.resending import Replay, Replayed


async def replay(
    operations: Operations, wanted: Replay, endpoints: Sequence[str] | None, *, one_batch: bool
) -> Replayed:
    """Send the events that are wanted again to `endpoints` (all); return how many for each.

    With `one_batch` only the first batch, and where it ended. Raises UnknownError.
    """
    counts = Counter[str]()
    while True:
        done = await operations.replay(wanted, endpoints)
        counts.update(done.counts)
        if done.end is None or one_batch:
            return Replayed(dict(counts), done.end)
        wanted = replace(wanted, after=done.end)
