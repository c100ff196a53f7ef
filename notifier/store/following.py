"""Following the store from within the daemon: the events that changed since the last look."""

from collections.abc import Sequence
from dataclasses import dataclass

from notifier.model.views import EventSummary
from notifier.store.connection import Connection
from notifier.store.queries import summaries_of
from notifier.store.tailing import TailPosition, tail_end, tail_news
from notifier.store.transactions import Transactions


@dataclass(frozen=True, slots=True)
class ChangedEvents:
    """The events that are new or had an attempt, as they are now, and the position after them."""

    position: TailPosition
    events: Sequence[EventSummary]


class Following(Transactions):
    """The store's queries that continue from a position."""

    async def end(self) -> TailPosition:
        """Return the position after everything that there is."""
        return await self._query(tail_end, self._now())

    async def changed_events(self, since: TailPosition) -> ChangedEvents:
        """Return the events that changed after `since`, the latest first."""
        return await self._query(_changed_events, since, self._now())


def _changed_events(db: Connection, since: TailPosition, now: float) -> ChangedEvents:
    news = tail_news(db, since, now)
    changed = {event.id for event in news.events} | {each.event_id for each in news.outcomes}
    return ChangedEvents(news.position, summaries_of(db, changed))
