"""Expiry notices with a real store and outbox, in virtual time, before a gateway of answers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import trio

from notifier.archive import ExpiryDeps, ExpiryNotices
from notifier.delivery import Dispatcher, Outbox, Subscription
from notifier.model.answer import Answer, Seen
from notifier.model.delivery import Format
from notifier.model.event import Ending, EventType
from notifier.model.event_id import watch_event_id
from notifier.model.follow_up import FollowUpPlan, expiry
from notifier.model.status import Status
from notifier.model.watch import Watch
from notifier.schedule.clock import Clock
from notifier.store import InlineExecutor, Store
from notifier.store.engine import Engine
from notifier.store.queries import EventFilter
from tests.builders import START, listing, memory_database, snapshot, spec

HOUR = 3600.0


@dataclass
class Settable:
    """A calendar that runs with trio's clock and may be set: `ahead` by so many seconds."""

    ahead: float = START

    def __call__(self) -> float:
        return trio.current_time() + self.ahead


@dataclass
class Life:
    """One start of the daemon upon `database`; what endpoints would get is in `events`."""

    database: Engine = field(default_factory=memory_database)
    wall: Settable = field(default_factory=Settable)
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[float, str]] = field(default_factory=list)
    takes: float = 0.0
    """How long the gateway takes to answer, in seconds."""
    subscriptions: Sequence[Subscription] = (Subscription("app", Format.STANDARD, ("video.*",)),)

    def __post_init__(self) -> None:
        self.clock = Clock(self.wall, trio.current_time)
        self.store = Store(self.database, InlineExecutor(), self.clock.now)
        self.notices: ExpiryNotices | None = None
        self.outbox = Outbox(
            self.store,
            self.subscriptions,
            content_url=lambda gateway, video: f"https://{gateway}/v1/videos/{video}/content",
            follow_ups=self,
            event_id=partial(watch_event_id, self.store.id),
            wall=self.clock.wall,
            lanes=Dispatcher(),
        )

    def plan(self, ending: Ending) -> FollowUpPlan:
        return FollowUpPlan(expiry(ending.snapshot, self.clock.wall(), self.clock.now()))

    def wake(self, gateway: str) -> None:
        if self.notices is not None:
            self.notices.wake()

    async def ask(self, video_id: str) -> Answer:
        """Answer the next of `answers`, the last one for ever; else that it is there."""
        self.asked.append((trio.current_time(), video_id))
        await trio.sleep(self.takes)
        known = self.answers.get(video_id)
        if not known:
            return Seen(snapshot(Status.COMPLETED, video_id))
        return known[0] if len(known) == 1 else known.pop(0)

    async def complete(self, *video_ids: str, expires_in: float | None, **settings: Any) -> None:  # noqa: ANN401 - passed on
        """Let videos complete that expire in so many seconds."""
        specs = [spec(video_id, **settings) for video_id in video_ids]
        opened = await self.store.sync_watches([listing(*specs)], [])
        expires_at = None if expires_in is None else int(self.clock.wall() + expires_in)
        for watch in opened:
            await self.publish(watch, expires_at)

    async def publish(self, watch: Watch, expires_at: int | None) -> None:
        last = snapshot(Status.COMPLETED, watch.key.video_id, expires_at=expires_at)
        await self.outbox.publish(Ending(watch, EventType.COMPLETED, last, "test"))

    async def events(self, kind: str = "video.expiring") -> list[str]:
        """Return the videos that have an event of a type."""
        found = await self.store.events(EventFilter(type=kind))
        return sorted(str(event.video_id) for event in found)


@asynccontextmanager
async def noticing(life: Life, notice: float = 6 * HOUR) -> AsyncIterator[ExpiryNotices]:
    """Run the notices of a gateway for as long as the block lasts."""
    deps = ExpiryDeps(life.store, life.ask, life.outbox.publish_follow_up, life.clock)
    async with trio.open_nursery() as nursery:
        life.notices = ExpiryNotices("main", notice, deps)
        nursery.start_soon(life.notices.run)
        yield life.notices
        nursery.cancel_scope.cancel()
