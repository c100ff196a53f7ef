"""Records events about watches in the outbox, each rendering made once for all endpoints."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from notifier import log
from notifier.delivery.subscription import Subscription
from notifier.formats import render
from notifier.model.delivery import Claim, Format, RecordedEnding, Rendering
from notifier.model.event import (
    FOLLOW_UPS,
    WITH_CONTENT,
    Ending,
    Event,
    EventKind,
    EventType,
    FollowUp,
    NewEvent,
    NotRecorded,
    subscribes,
)
from notifier.model.follow_up import NO_FOLLOW_UP, FollowUpPlan
from notifier.model.job_sample import JobSample
from notifier.model.lease import Fence
from notifier.model.video import Json, Snapshot
from notifier.model.watch import Watch

_STANDARD = Rendering(Format.STANDARD)


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
        claimed: Collection[str],
        fence: Fence | None,
    ) -> RecordedEnding | NotRecorded:
        """Commit watch closed, event and deliveries together, if it is open and `fence` holds.

        Deliveries to the endpoints in `claimed` are in flight from the start.
        """

    async def record_follow_up(self, watch: int, kind: EventKind, event: NewEvent) -> bool:
        """Commit an event after the ending with its deliveries; False if there is one already."""


class Reservation(Protocol):
    """Lanes that each have room for a new delivery (`notifier.delivery.dispatcher`)."""

    @property
    def endpoints(self) -> Collection[str]:
        """The endpoints of these lanes."""

    def hand(self, claims: Mapping[str, Claim]) -> None:
        """Give each lane its claim; a lane without one has room for another delivery again."""


class Lanes(Protocol):
    """The lanes of all endpoints (`notifier.delivery.dispatcher.Dispatcher`)."""

    def wake(self, endpoints: Sequence[str]) -> None:
        """Hint to the lanes of `endpoints` that something may be due."""

    def reserve(self, endpoints: Iterable[str]) -> Reservation:
        """Make room in those lanes that can take a new delivery; `hand` must follow."""


class FollowUps(Protocol):
    """What is done after completed endings."""

    def plan(self, ending: Ending) -> FollowUpPlan:
        """Return what is to be done after an ending; it is recorded with it."""

    def wake(self, gateway: str) -> None:
        """Hint that there may be something to do for a gateway."""


class Outbox:
    """Records events about watches and gives them to the lanes of the endpoints concerned.

    A lane that is ready for it gets the delivery of an ending directly: it is claimed in the
    transaction that records it. The other lanes are woken, and claim it themselves.

    `content_url` returns where a completed video of (gateway, video id) can be fetched.
    `follow_ups` says what is to be done after an ending. `event_id` derives the id of a watch's
    event of a kind. `wall` stamps events, in Unix seconds.
    `subscriptions` is read again for every event.
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
        lanes: Lanes,
    ) -> None:
        self._store = store
        self._subscriptions = subscriptions
        self._content_url = content_url
        self._follow_ups = follow_ups
        self._event_id = event_id
        self._wall = wall
        self._lanes = lanes
        self._log = log.get()

    async def publish(self, ending: Ending) -> None:
        """Commit the ending's event together with its deliveries, and have them delivered.

        Does nothing when the watch is not open any more, or another instance polls it. Raises
        StoreError; whether it was recorded is then not known, and `publish` is to be called again.
        """
        watch = ending.watch
        new = self._new_event(watch, EventKind.ENDING, ending.type, ending.snapshot)
        plan = self._follow_ups.plan(ending)
        recorded = await self._record(ending, new, plan)
        if recorded is NotRecorded.FENCED:
            self._log.warning("fenced", gateway=watch.key.gateway, video_id=watch.key.video_id)
        if isinstance(recorded, NotRecorded):
            return
        self._log_event(new, ending.watch, reason=ending.reason)
        waiting = [name for name, _ in new.endpoints if name not in recorded.claimed]
        callback = () if recorded.callback is None else (recorded.callback,)
        self._lanes.wake([*waiting, *callback])
        if plan != NO_FOLLOW_UP:
            self._follow_ups.wake(ending.watch.key.gateway)

    async def _record(
        self, ending: Ending, new: NewEvent, plan: FollowUpPlan
    ) -> RecordedEnding | NotRecorded:
        """Commit an ending, and hand what was claimed with it to its lanes."""
        reserved = self._lanes.reserve(name for name, _ in new.endpoints)
        claims: Mapping[str, Claim] = {}
        try:
            recorded = await self._store.record_ending(
                *(ending.watch.row, new, ending.snapshot),
                sample=ending.sample,
                plan=plan,
                claimed=reserved.endpoints,
                fence=ending.watch.fence,
            )
            if isinstance(recorded, RecordedEnding):
                claims = _claims(new, ending.watch, recorded)
        finally:
            reserved.hand(claims)
        return recorded

    async def publish_follow_up(self, follow_up: FollowUp) -> None:
        """Commit an event after the ending with its deliveries, then wake the lanes.

        Does nothing when the watch has one of this kind. Raises StoreError, and then nothing
        was recorded. Callbacks get endings alone.
        """
        watch, kind = follow_up.watch, follow_up.kind
        new = self._new_event(watch, kind, FOLLOW_UPS[kind], follow_up.snapshot, follow_up.archive)
        if await self._store.record_follow_up(watch.row, kind, new):
            self._log_event(new, watch)
            self._lanes.wake([name for name, _ in new.endpoints])

    def _log_event(self, new: NewEvent, watch: Watch, **fields: str) -> None:
        """Log an event that was committed."""
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
        renderings = [(each.endpoint, each.rendering) for each in chosen]
        endpoints = [(endpoint, rendering.name) for endpoint, rendering in renderings]
        bodies: dict[str, bytes] = {Format.STANDARD.value: render(_STANDARD, event)}
        for (_, rendering), (_, name) in zip(renderings, endpoints, strict=True):
            if name not in bodies:
                bodies[name] = render(rendering, event)
        return NewEvent(
            event.id,
            event.type,
            event.created_at,
            bodies=bodies,
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


def _claims(new: NewEvent, watch: Watch, recorded: RecordedEnding) -> Mapping[str, Claim]:
    """Return the claims on the deliveries of an ending that are in flight, by endpoint."""
    gateway, video_id = watch.key
    return {
        name: Claim(
            *(recorded.claimed[name], name, new.id, new.type.value),
            {"gateway": gateway, "video_id": video_id},
            new.bodies[form],
            recorded.at,
            attempt=1,
            failures=0,
        )
        for name, form in new.endpoints
        if name in recorded.claimed
    }


def video_data(snapshot: Snapshot) -> dict[str, Json]:
    """Return the event's `data`: what the gateway added, and the protocol's own fields."""
    return {**snapshot.extra, **snapshot.as_data()}
