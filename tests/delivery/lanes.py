"""A lane with a real store and a scripted receiver."""

from dataclasses import dataclass, field

import trio

from notifier.delivery import (
    AttemptRunner,
    DeliveryRules,
    Dispatcher,
    EndpointFlow,
    EndpointNotices,
    Lane,
    LaneRules,
    Subscription,
)
from notifier.delivery.attempt import AttemptStore
from notifier.metrics import Metrics
from notifier.model.delivery import Claim, Format
from notifier.model.health import Health
from notifier.model.watch import WatchKey, WatchSpec
from notifier.schedule.clock import Clock
from notifier.store import Store
from notifier.wakeup import Wakeup
from notifier.webhook import Outcome
from tests.builders import START, listing, new_event, rng, snapshot

DAY = 86_400.0
HEALTHY = Health("mark")
MOVED = Health("mark of another URL")
RULES = LaneRules("app", 4)
SCHEDULE = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)


@dataclass
class Receiver:
    """Answers with `status` (or what `answers` holds, one after the other)."""

    status: int | None = 204
    answers: list[int | type[Exception] | None] = field(default_factory=list)
    takes: float = 0
    got: list[tuple[float, str, bytes]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def send(self, event_id: str, body: bytes) -> Outcome:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.got.append((trio.current_time(), event_id, body))
            await trio.sleep(self.takes)
        finally:
            self.at_once -= 1
        answer = self.answers.pop(0) if self.answers else self.status
        if isinstance(answer, type):
            raise answer
        if answer is None:
            return Outcome("timeout")
        return Outcome("delivered" if answer < 300 else f"http_{answer}", answer)


class NoTemplates:
    """A store for endpoints without a template."""

    async def keep_rendering(self, claim: Claim, body: bytes) -> None:
        raise AssertionError("nothing was to be rendered")


def make_lane(
    store: Store,
    receiver: Receiver,
    clock: Clock,
    name: str = "app",
    form: Format = Format.STANDARD,
) -> Lane:
    paced = 1.0 if form is Format.SLACK else None
    return Parts(store, receiver, clock, LaneRules(name, 4, paced), form).lane()


@dataclass
class Parts:
    """What a lane is made of; `records` is where attempts are recorded, if not in `store`."""

    store: Store
    receiver: Receiver
    clock: Clock
    rules: LaneRules = RULES
    form: Format = Format.STANDARD
    records: AttemptStore | None = None
    others: tuple[Subscription, ...] = ()
    health: Health = HEALTHY
    notice: str = "evt_notice"
    metrics: Metrics | None = None

    @property
    def delivery_rules(self) -> DeliveryRules:
        return DeliveryRules(self.rules.endpoint, self.form, SCHEDULE)

    def runner(self) -> AttemptRunner:
        notices = EndpointNotices(
            self.others,
            new_id=lambda: self.notice,
            wall=self.clock.wall,
            wake=lambda _: None,
        )
        return AttemptRunner(
            self.delivery_rules,
            self.receiver,
            self.records or self.store,
            notices,
            health=self.health,
            clock=self.clock,
            rng=rng(),
        )

    def flow(self, runner: AttemptRunner) -> EndpointFlow:
        return EndpointFlow(
            self.rules, runner, self.store, clock=self.clock, rng=rng(), metrics=self.metrics
        )

    def lane(self) -> Lane:
        runner = self.runner()
        return Lane(self.rules.endpoint, self.flow(runner), runner, Wakeup())


def steady_clock() -> Clock:
    return Clock(lambda: START, trio.current_time)


async def put(store: Store, *endpoints: str, count: int = 1, first: int = 0) -> None:
    """Commit `count` events for `endpoints`."""
    numbers = range(first, first + count)
    specs = [WatchSpec(WatchKey("main", f"video_{number}")) for number in numbers]
    watches = await store.sync_watches([listing(*specs, source=f"from {first}")], [])
    for number, watch in zip(numbers, watches, strict=True):
        event = new_event(f"evt_{number}", endpoints or ("app",), b"body %d" % number)
        assert await store.record_ending(watch.row, event, snapshot())


async def run_for(seconds: float, *lanes: Lane) -> None:
    with trio.move_on_after(seconds):
        dispatcher = Dispatcher()
        for number, lane in enumerate(lanes):
            dispatcher.add(str(number), lane)
        await dispatcher.run()
