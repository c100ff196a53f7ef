"""Records events about watches in the outbox, each rendering made once for all endpoints."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from notifier import log
from notifier.delivery.subscription import Subscription
from notifier.formats import render
from notifier.model.delivery import Format, Rendering
from notifier.model.event import (
    FOLLOW_UPS,
    WITH_CONTENT,
    Ending,
    Event,
    EventKind,
    EventType,
    FollowUp,
    NewEvent,
    Recorded,
    subscribes,
)
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.job_sample import JobSample
from notifier.model.lease import Fence
from notifier.model.video import Json, Snapshot
from notifier.model.watch import Watch


class EventStore(Protocol):
    """The part of the store in which events about watches are recorded."""

    async def record_ending(
        self,
        watch: int,
        event: NewEvent,
        last: Snapshot,
        *,
        sample: JobSample | None = None,
        plan: FollowUpPlan,
        fence: Fence | None,
    ) -> Recorded:
        """Commit watch closed, event and deliveries together; return what became of it."""

    async def record_follow_up(self, watch: int, kind: EventKind, event: NewEvent) -> bool:
        """Commit an event after the ending with its deliveries; False if there is one already."""


class FollowUps(Protocol):
    """What is done after completed endings."""

    def plan(self, ending: Ending) -> FollowUpPlan:
        """Return what is to be done after an ending; it is recorded with it."""

    def wake(self, gateway: str) -> None:
        """Hint that there may be something to do for a gateway."""


class Outbox:
    """Records events about watches and wakes the lanes of the endpoints concerned.

    `content_url` returns where a completed video of (gateway, video id) can be fetched.
    `follow_ups` says what is to be done after an ending. `event_id` derives the id of a watch's
    event of a kind. `wall` stamps events, in Unix seconds.
    `wake` gets the names of the endpoints that have something new. `subscriptions` is read again
    for every event.
    """

    def __init__(
        self,
        store: EventStore,
        subscriptions: Sequence[Subscription],
        *,
        content_url: Callable[[str, str], str],
        follow_ups: FollowUps,
        event_id: Callable[[Watch, EventKind], str],
        wall: Callable[[], float],
        wake: Callable[[Sequence[str]], None],
    ) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._content_url = content_url
        self._follow_ups = follow_ups
        self._event_id = event_id
        self._wall = wall
        self._wake = wake
        self._log = log.get()

    async def publish(self, ending: Ending) -> None:
        """Commit the ending's event together with its deliveries, then wake the lanes.

        Does nothing when the watch is not open any more, or another instance polls it. Raises
        StoreError; what was recorded nevertheless is found by its id at the next call.
        """
        watch = ending.watch
        new = self._new_event(watch, EventKind.ENDING, ending.type, ending.snapshot)
        plan = self._follow_ups.plan(ending)
        recorded = await self._store.record_ending(
            watch.row, new, ending.snapshot, sample=ending.sample, plan=plan, fence=watch.fence
        )
        if recorded is Recorded.FENCED:
            self._log.warning("fenced", gateway=watch.key.gateway, video_id=watch.key.video_id)
        if recorded not in {Recorded.RECORDED, Recorded.ALREADY}:
            return
        self._announce(new, ending.watch, reason=ending.reason)
        if plan != NO_FOLLOW_UP:
            self._follow_ups.wake(ending.watch.key.gateway)

    async def publish_follow_up(self, follow_up: FollowUp) -> None:
        """Commit an event after the ending with its deliveries, then wake the lanes.

        Does nothing when the watch has one of this kind. Raises StoreError, and then nothing
        was recorded. Callbacks get endings alone.
        """
        watch, kind = follow_up.watch, follow_up.kind
        new = self._new_event(watch, kind, FOLLOW_UPS[kind], follow_up.snapshot, follow_up.archive)
        if await self._store.record_follow_up(watch.row, kind, new):
            self._announce(new, watch)

    def _announce(self, new: NewEvent, watch: Watch, **fields: str) -> None:
        """Log the committed event and wake the lanes that deliver it."""
        names = [name for name, _ in new.endpoints]
        # an event without any endpoint is more likely a mistake than intended
        write = self._log.info if names else self._log.warning
        write(
            "event",
            event_id=new.id,
            type=new.type.value,
            **fields,
            endpoints=names,
            gateway=watch.key.gateway,
            video_id=watch.key.video_id,
        )
        self._wake(names)

    def _new_event(
        self,
        watch: Watch,
        kind: EventKind,
        event_type: EventType,
        snapshot: Snapshot,
        archive: Mapping[str, Json] | None = None,
    ) -> NewEvent:
        gateway, video_id = watch.key
        event = Event(
            id=self._event_id(watch, kind),
            type=event_type,
            created_at=int(self._wall()),
            data=video_data(snapshot),
            gateway=gateway,
            metadata=watch.spec.metadata,
            content_url=(
                self._content_url(gateway, video_id) if event_type in WITH_CONTENT else None
            ),
            archive=archive,
        )
        chosen = self._chosen(watch, event_type)
        endpoints = [(each.endpoint, each.rendering.name) for each in chosen]
        renderings = {Format.STANDARD.value, *(name for _, name in endpoints)}
        return NewEvent(
            event.id,
            event.type,
            event.created_at,
            bodies={name: render(Rendering.named(name), event) for name in renderings},
            endpoints=endpoints,
        )

    def _chosen(self, watch: Watch, event_type: EventType) -> list[Subscription]:
        wanted = watch.spec.endpoints
        return [
            subscription
            for subscription in self._subscriptions
            if (wanted is None or subscription.endpoint in wanted)
            and subscribes(subscription.events, event_type)
        ]


def video_data(snapshot: Snapshot) -> dict[str, Json]:
    """Return the event's `data`: what the gateway added, and the protocol's own fields."""
    return {**snapshot.extra, **snapshot.as_data()}
