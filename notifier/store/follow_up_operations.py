"""The store's operations on what follows a completed ending."""

import sqlite3

from notifier.model.event import EventKind, NewEvent
from notifier.model.follow_up import ExpiryTimer
from notifier.store import expiry_timers, outbox
from notifier.store.transactions import Transactions


class FollowUpOperations(Transactions):
    """Timers, and events after the ending; every method raises StoreError."""

    async def expiry_timers(self, gateway: str, limit: int) -> list[ExpiryTimer]:
        """Return the timers of a gateway that end first."""
        return await self._transact(expiry_timers.earliest, gateway, limit)

    async def move_expiry_timer(self, watch: int, expires_at: float) -> None:
        """Let the timer of a watch end at another time (`Clock.now`)."""
        await self._transact(expiry_timers.move, watch, expires_at)

    async def remove_expiry_timer(self, watch: int) -> None:
        """Remove the timer of a watch, which then gets no notice."""
        await self._transact(expiry_timers.remove, watch)

    async def record_follow_up(self, watch: int, kind: EventKind, event: NewEvent) -> bool:
        """Commit an event after the ending with its deliveries; False if there is one already.

        What the event was waiting for is over with it, in the same commit.
        """
        return await self._transact(_record, watch, kind, event, self._now())


def _record(
    db: sqlite3.Connection, watch: int, kind: EventKind, event: NewEvent, now: float
) -> bool:
    if kind is EventKind.EXPIRING:
        expiry_timers.remove(db, watch)
    return outbox.record_follow_up(db, watch, kind, event, now)
