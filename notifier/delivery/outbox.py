"""Records an ending in the outbox: one event, each rendering made once, for all its endpoints."""

from collections.abc import Callable, Sequence
from typing import Protocol

from notifier import log
from notifier.delivery.subscription import Subscription
from notifier.formats import render
from notifier.model.delivery import Format, Rendering
from notifier.model.event import Ending, Event, EventKind, EventType, NewEvent, subscribes
from notifier.model.job_sample import JobSample
from notifier.model.video import Json, Snapshot
from notifier.model.watch import Watch


class EventStore(Protocol):
    """The part of the store in which endings are recorded."""

    async def record_ending(
        self, watch: int, event: NewEvent, last: Snapshot, sample: JobSample | None = None
    ) -> bool:
        """Commit watch closed, event and deliveries together; False if it was not open."""


class Outbox:
    """Records endings and wakes the lanes of the endpoints concerned.

    `content_url` returns where a completed video of (gateway, video id) can be fetched.
    `event_id` derives the id of a watch's event of a kind. `wall` stamps events, in Unix seconds.
    `wake` gets the names of the endpoints that have something new. `subscriptions` is read again
    for every event.
    """

    def __init__(
        self,
        store: EventStore,
        subscriptions: Sequence[Subscription],
        *,
        content_url: Callable[[str, str], str],
        event_id: Callable[[Watch, EventKind], str],
        wall: Callable[[], float],
        wake: Callable[[Sequence[str]], None],
    ) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._content_url = content_url
        self._event_id = event_id
        self._wall = wall
        self._wake = wake
        self._log = log.get()

    async def publish(self, ending: Ending) -> None:
        """Commit the ending's event together with its deliveries, then wake the lanes.

        Does nothing when the watch is not open any more. Raises StoreError, and then nothing
        was recorded.
        """
        event = self._event(ending)
        chosen = self._chosen(ending)
        endpoints = [(each.endpoint, each.rendering.name) for each in chosen]
        renderings = {Format.STANDARD.value, *(name for _, name in endpoints)}
        new = NewEvent(
            event.id,
            event.type,
            event.created_at,
            bodies={name: render(Rendering.named(name), event) for name in renderings},
            endpoints=endpoints,
        )
        row, last = ending.watch.row, ending.snapshot
        if not await self._store.record_ending(row, new, last, ending.sample):
            return
        names = [subscription.endpoint for subscription in chosen]
        # an event without any endpoint is more likely a mistake than intended
        write = self._log.info if names else self._log.warning
        write(
            "event",
            event_id=event.id,
            type=event.type.value,
            reason=ending.reason,
            endpoints=names,
            gateway=event.gateway,
            video_id=ending.snapshot.id,
        )
        self._wake(names)

    def _event(self, ending: Ending) -> Event:
        gateway, video_id = ending.watch.key
        completed = ending.type is EventType.COMPLETED
        return Event(
            id=self._event_id(ending.watch, EventKind.ENDING),
            type=ending.type,
            created_at=int(self._wall()),
            data=video_data(ending.snapshot),
            gateway=gateway,
            metadata=ending.watch.spec.metadata,
            content_url=self._content_url(gateway, video_id) if completed else None,
        )

    def _chosen(self, ending: Ending) -> list[Subscription]:
        wanted = ending.watch.spec.endpoints
        return [
            subscription
            for subscription in self._subscriptions
            if (wanted is None or subscription.endpoint in wanted)
            and subscribes(subscription.events, ending.type)
        ]


def video_data(snapshot: Snapshot) -> dict[str, Json]:
    """Return the event's `data`: what the gateway added, and the protocol's own fields."""
    return {**snapshot.extra, **snapshot.as_data()}
