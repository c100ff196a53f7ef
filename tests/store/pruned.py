"""A whole pass of pruning."""

from notifier.store import Store
from notifier.store.pruning import Position


async def pruned(store: Store, before: float) -> tuple[int, int]:
    """Prune all that was over before then; return how many events and watches that removed."""
    removed = [0, 0]
    for index, prune in enumerate((store.prune_events, store.prune_watches)):
        position: Position | None = Position()
        while position is not None:
            batch = await prune(before, position)
            removed[index] += batch.removed
            position = batch.end
    return removed[0], removed[1]
