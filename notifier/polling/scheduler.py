"""The scheduler of one gateway: makes the requests of all its pollers, within its limits.

Pollers park at a slot. A timer wheel holds the slots until they are due, a queue holds those that
are due, and the scheduler starts requests from the queue, a few at a time. It never asks faster
than the budget. After a 429 it makes no request until the wait that the gateway named is over,
and then goes on slowly at first. While the key is refused (see `auth`) only probes are made.
"""

import math
from collections.abc import Callable
from random import Random

import trio

from notifier import log
from notifier.metrics import Metrics
from notifier.model.answer import Seen
from notifier.model.condition import GatewayCondition, LastPoll
from notifier.polling.limits import SchedulerLimits
from notifier.polling.page_applier import PageApplier
from notifier.polling.page_planner import PagePlanner
from notifier.polling.page_range import PageRequest
from notifier.polling.parked_requests import ALONE, ParkedRequests
from notifier.polling.pause import AuthPause
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.polling.ready_queue import ReadyQueue
from notifier.polling.requester import Requester, RequesterDeps, StatusClient
from notifier.polling.timer_wheel import TimerWheel
from notifier.polling.unplanned import UnplannedRequests
from notifier.rate_limiter import RateLimiter
from notifier.wakeup import Wakeup, next_tick

_OVERSLEPT = 5.0
_LONGEST_SPREAD = 30.0


class GatewayScheduler:
    """Schedules the requests to one gateway; `run` must be running. `now` is `Clock.now`.

    While `allowed` returns False it makes no request.
    """

    def __init__(
        self,
        gateway: str,
        client: StatusClient,
        limits: SchedulerLimits,
        *,
        now: Callable[[], float],
        rng: Random,
        metrics: Metrics | None = None,
        allowed: Callable[[], bool] = lambda: True,
    ) -> None:
        self._gateway = gateway
        self._limits = limits
        self._now = now
        self._rng = rng
        self._metrics = metrics or Metrics()
        self._limiter = RateLimiter(limits.requests_per_second, allowed)
        self._granted: float | None = None
        self._timer_wheel = TimerWheel(self._wake_by)
        self._slots: dict[str, PollSlot] = {}
        self._queue = ReadyQueue(PagePlanner(limits.list_videos, self._slots))
        self._in_flight = 0
        self._wakeup = Wakeup()
        self._wakes_at = -math.inf
        self._resumed_at = -math.inf
        deps = self._deps()
        self._requester = Requester(client, limits.poll_interval, deps)
        self.rest = self._requester.rest
        self.unplanned = UnplannedRequests(self._requester, deps)
        self._parked = ParkedRequests(self._requester, wait=self.wait, done=self._request_done)

    def _deps(self) -> RequesterDeps:
        return RequesterDeps(
            self._gateway,
            self._now,
            self._metrics,
            log.get(gateway=self._gateway),
            self._slots,
            self._limiter,
            PageApplier(self._queue, self._slots, self._timer_wheel),
            hurry=self._hurry,
            stop_lists=lambda: self._queue.planner.stop(),  # noqa: PLW0108 - a later one, too
        )

    def change(self, client: StatusClient, limits: SchedulerLimits) -> None:
        """Use another `client` and other limits from now on; its key and lists are tried anew."""
        self._limits = limits
        if self._granted is None:
            self._limiter.set_rate(limits.requests_per_second)
        self._queue.planner = PagePlanner(limits.list_videos, self._slots)
        self._requester.change(client, limits.poll_interval)

    def grant(self, rate: float) -> None:
        """Make at most `rate` requests a second from now on, whatever the limits; 0 for none."""
        self._granted = rate
        self._limiter.set_rate(rate)
        self._wakeup.notify()

    @property
    def paused(self) -> bool:
        """Whether the key is refused at present."""
        return self._requester.auth.pause is not None

    def condition(self) -> GatewayCondition:
        """Return the state of the gateway, its last answer and its last error."""
        pause = self._requester.auth.pause
        paused_since = None if pause is None else pause.since
        return self._requester.health.condition(paused_since, self.rest.told_since())

    def last_poll(self, video_id: str) -> LastPoll | None:
        """Return when a video was last asked about with what outcome, None if it never was."""
        slot = self._slots.get(video_id)
        return None if slot is None else slot.last_poll()

    def rate(self) -> float:
        """Return how many requests a second were made of late."""
        return self._requester.rate.per_second(self._now())

    def lateness(self) -> float:
        """Return by how many seconds `run` is late; not above 0 if it is in time."""
        return trio.current_time() - self._wakes_at if math.isfinite(self._wakes_at) else 0.0

    async def run(self) -> None:
        """Start the requests that are due, for ever."""
        while True:
            self._wakes_at = self._start_due()
            await self._wakeup.wait(self._wakes_at - trio.current_time())
            if trio.current_time() - self._wakes_at > _OVERSLEPT:
                self._spread_out()

    def wait(self, slot: PollSlot) -> None:
        """Wake the task parked at `slot` when the slot is due and may ask.

        From `earliest` on, an answer from a list page is passed to `PollSlot.accept`.
        While the key is refused, only the requests of `pause` are made.
        """
        known = self._slots.get(slot.video_id)
        if known is not slot:
            if known is not None:
                self._forget(known)
            self._slots[slot.video_id] = slot
            self._queue.planner.add(slot)
        self._timer_wheel.add(slot)

    async def ask(self, slot: PollSlot) -> PollResult | None:
        """Return the answer that a slot was woken with, or make the request that it may make.

        None if the slot has to park again without an answer, or was let go. Raises what went wrong
        when an answer was applied on its behalf.
        """
        value, slot.wake_value = slot.wake_value, None
        if value is None or isinstance(value, PollResult):
            return value
        if isinstance(value, Exception):
            raise value
        asked = await self._make_request(slot, value)
        if asked is not None:
            return asked
        if isinstance(value, PageRequest):
            self._queue.add_first(slot)
        else:
            self._queue.add(slot)
        # the queue may have been empty when the request was done
        self._wake_by(trio.current_time())
        return None

    def is_polled(self, video_id: str) -> bool:
        """Tell whether a video has a poller here."""
        return video_id in self._slots

    def accept_passing(self, video_id: str, answer: Seen) -> float | None:
        """Apply an answer about one video that somebody else asked for, as if it had been polled.

        Return in how many seconds the video is to be asked about; None if it has ended or is not
        watched.
        """
        slot = self._slots.get(video_id)
        if slot is None:
            return None
        if slot.task is not None and not slot.not_found:
            now = trio.current_time()
            asked = PollResult(answer, self._now(), slot.due <= now)
            self._queue.remove(slot)
            self._requester.record_passing(slot, asked)
            if slot.accept(asked.answer, asked.at, now, counts=asked.was_due):
                self._timer_wheel.add(slot)
            else:
                slot.wake(asked)
                return None if answer.snapshot.ended else self._limits.poll_interval
        wait = slot.due - trio.current_time()
        return wait if wait > 0 else self._limits.poll_interval

    def stop_waiting(self, slot: PollSlot) -> None:
        """Wake a parked slot without an answer; a request in flight goes on."""
        slot.wake(None)

    def leave(self, slot: PollSlot) -> None:
        """Forget a slot whose poller has ended."""
        if self._slots.get(slot.video_id) is slot:
            self._forget(slot)

    def _forget(self, slot: PollSlot) -> None:
        del self._slots[slot.video_id]
        self._queue.remove(slot)
        self._queue.planner.remove(slot)
        self._requester.remove(slot)

    def _start_due(self) -> float:
        """Queue the due slots and start requests; return when to do so again (trio's clock)."""
        now = trio.current_time()
        for slot in self._timer_wheel.take_due(now):
            self._queue.add(slot)
        return min(self._start_requests(now), self._timer_wheel.next_due())

    def _start_requests(self, now: float) -> float:
        """Start what may start now; return when the next request may start (trio's clock)."""
        while self._queue and self._in_flight < self._limits.in_flight:
            pause = self._requester.auth.pause
            wait = pause.wait(self._now()) if pause else 0.0
            wait = wait or self._limiter.try_acquire(now)
            if wait:
                # a request starts at its moment, unless several start in a tick: then together
                shared = self._limiter.has_several_in_a_tick
                return max(now + wait, next_tick(now)) if shared else now + wait
            if pause is None:
                slot: PollSlot | None = self._queue.first()
            else:
                slot = pause.choose(self._queue, self._now(), self._rng)
            if slot is not None:
                self._queue.remove(slot)
                self._start_request(slot, pause, now)
        return math.inf

    def _start_request(self, slot: PollSlot, pause: AuthPause | None, now: float) -> None:
        if slot.task is None:
            return  # it was stopped while it waited
        self._in_flight += 1
        self._metrics.poll_lag(self._gateway, now - slot.due)
        if pause is not None:
            slot.wake(pause)
            return
        self._metrics.budget_wait(self._gateway, now - max(slot.due, self._resumed_at))
        at = self._now()
        slot.single_only |= slot.deadline <= at
        page = self._queue.plan(slot, now)
        if page is None:
            if not self._parked.start(slot, at):
                slot.wake(ALONE)
        else:
            self._requester.carrier(slot, page).wake(page)

    def _request_done(self, now: float) -> None:
        """Count a request as done, and start the next."""
        self._in_flight -= 1
        if self._queue or self._requester.auth.pause is not None:
            self._wake_by(self._start_requests(now))

    def _wake_by(self, moment: float) -> None:
        """Have `run` continue no later than at `moment` (trio's clock)."""
        if moment < self._wakes_at:
            self._wakeup.notify()

    def _hurry(self, chosen: Callable[[PollSlot], bool]) -> None:
        """Ask about the chosen of the parked slots at once, and about each alone."""
        self._resumed_at = now = trio.current_time()
        for slot in self._slots.values():
            if slot.task is not None and chosen(slot):
                slot.single_only = True
                slot.due = min(slot.due, now)
                self._timer_wheel.add(slot)
        self._wakeup.notify()

    def _spread_out(self) -> None:
        """Spread the slots that came due while the process was stopped."""
        now = trio.current_time()
        spread = min(self._limits.poll_interval, _LONGEST_SPREAD)
        for slot in self._timer_wheel.take_due(now):
            slot.due = now + self._rng.uniform(0, spread)
            self._timer_wheel.add(slot)

    async def _make_request(self, slot: PollSlot, value: object) -> PollResult | None:
        """Make the request that `value` stands for; None to wait on."""
        try:
            if isinstance(value, PageRequest):
                alone = (len(value.expected) + len(self._queue)) / self._limits.requests_per_second
                return await self._requester.page(slot, value, alone)
            pause = self._requester.auth.pause
            if pause is not None and value is not pause:
                return None  # the pause began after this request was started
            asked = await self._requester.alone(slot)
            if pause is not None and pause is self._requester.auth.pause:
                return asked if slot.deadline <= asked.at else None
            return asked
        finally:
            self._request_done(trio.current_time())
