"""The scheduler of one gateway: makes the requests of all its pollers, within its limits.

Pollers park at a slot. A timer wheel holds the slots until they are due, a queue holds those that
are due, and the scheduler starts requests from the queue, a few at a time. It never asks faster
than the budget. After a 429 it makes no request until the wait that the gateway named is over,
and then goes on slowly at first. While the key is refused (see `auth`) only probes are made.
"""

import math
from collections.abc import Callable
from http import HTTPStatus
from random import Random
from typing import Protocol

import trio

from notifier import log
from notifier.gateway import Page
from notifier.metrics import Metrics
from notifier.model.answer import (
    Answer,
    PollError,
    Seen,
    Unauthorized,
    outcome_text,
    outcome_word,
)
from notifier.model.condition import GatewayCondition, LastPoll
from notifier.polling.auth import PROBE_INTERVAL, AuthMonitor, AuthPause, shows_good_key
from notifier.polling.gateway_health import GatewayHealth
from notifier.polling.lifecycle import LONGEST_WAIT
from notifier.polling.limits import SchedulerLimits
from notifier.polling.page_applier import PageApplier
from notifier.polling.page_planner import PagePlanner
from notifier.polling.page_range import PageRequest
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.polling.ready_queue import ReadyQueue
from notifier.polling.timer_wheel import TimerWheel
from notifier.polling.unknown_status import UnknownStatusLog
from notifier.rate_limiter import RateLimiter, RequestRate
from notifier.schedule.backoff import jittered
from notifier.wakeup import Wakeup

_TICK = 0.01  # seconds; requests that may start within one start together, which costs less
_OVERSLEPT = 5.0
_LONGEST_SPREAD = 30.0
_ALONE = object()


class StatusClient(Protocol):
    """What the scheduler needs of the gateway client."""

    async def retrieve(self, video_id: str) -> Answer:
        """Ask for one video's status once."""

    async def list_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        """Ask once for up to `limit` videos, those that follow the id `after`."""


class GatewayScheduler:
    """Schedules the requests to one gateway; `run` must be running. `now` is `Clock.now`."""

    def __init__(
        self,
        gateway: str,
        client: StatusClient,
        limits: SchedulerLimits,
        *,
        now: Callable[[], float],
        rng: Random,
        metrics: Metrics | None = None,
    ) -> None:
        self._gateway = gateway
        self._client = client
        self._limits = limits
        self._now = now
        self._rng = rng
        self._metrics = metrics or Metrics()
        self._limiter = RateLimiter(limits.requests_per_second)
        self._timer_wheel = TimerWheel()
        self._slots: dict[str, PollSlot] = {}
        self._queue = ReadyQueue(PagePlanner(limits.list_videos, self._slots))
        self._pages = PageApplier(self._queue, self._slots, self._timer_wheel)
        self._in_flight = 0
        self._wakeup = Wakeup()
        self._wakes_at = -math.inf
        self._limited: str | None = None
        self._resumed_at = -math.inf
        self._recent = RequestRate()
        self._log = log.get(gateway=gateway)
        self._auth = AuthMonitor(gateway, self._metrics, self._log)
        self._health = GatewayHealth(now())
        self._unknown_statuses = UnknownStatusLog(self._log)

    def change(self, client: StatusClient, limits: SchedulerLimits) -> None:
        """Use another `client` and other limits from now on; the key counts as not refused."""
        self._client = client
        self._limits = limits
        self._limiter.set_rate(limits.requests_per_second)
        self._unknown_statuses = UnknownStatusLog(self._log)
        self._queue.planner = PagePlanner(limits.list_videos, self._slots)
        if self._auth.reset():
            self._resumed()
        self._wakeup.notify()

    @property
    def paused(self) -> bool:
        """Whether the key is refused at present."""
        return self._auth.pause is not None

    def condition(self) -> GatewayCondition:
        """Return the state of the gateway, its last answer and its last error."""
        pause = self._auth.pause
        return self._health.condition(None if pause is None else pause.since)

    def last_poll(self, video_id: str) -> LastPoll | None:
        """Return when a video was last asked about with what outcome, None if it never was."""
        slot = self._slots.get(video_id)
        if slot is None or slot.asked_at is None:
            return None
        seen = slot.known
        outcome = slot.last_error or ("" if seen is None else outcome_text(Seen(seen)))
        return LastPoll(slot.asked_at, outcome)

    def rate(self) -> float:
        """Return how many requests a second were made of late."""
        return self._recent.per_second(self._now())

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

        From `earliest` on, an answer from a list page is passed to `PollSlot.accept_listed`.
        While the key is refused only probes are made; a watch past its deadline gets the refusal
        of the first probe after the deadline.
        """
        if self._slots.get(slot.video_id) is not slot:
            self._slots[slot.video_id] = slot
            self._queue.planner.add(slot)
        self._timer_wheel.add(slot)
        self._wake_by(slot.due)

    async def ask(self, slot: PollSlot) -> PollResult | None:
        """Return the answer that a slot was woken with, or make the request that it may make.

        None if the slot has to park again without an answer, or was let go.
        """
        value, slot.wake_value = slot.wake_value, None
        if value is None or isinstance(value, PollResult):
            return value
        asked = await self._make_request(slot, value)
        if asked is not None:
            return asked
        if isinstance(value, PageRequest):
            self._queue.add_first(slot)
            self._wake_by(trio.current_time())
        else:
            self._queue.add(slot)
        return None

    def stop_waiting(self, slot: PollSlot) -> None:
        """Wake a parked slot without an answer; a request in flight goes on."""
        slot.wake(None)

    def leave(self, slot: PollSlot) -> None:
        """Forget a slot whose poller has ended."""
        if self._slots.get(slot.video_id) is slot:
            del self._slots[slot.video_id]
            self._queue.remove(slot)
            self._queue.planner.remove(slot)

    def _start_due(self) -> float:
        """Queue the due slots and start requests; return when to do so again (trio's clock)."""
        now = trio.current_time()
        for slot in self._timer_wheel.take_due(now):
            self._queue.add(slot)
        return min(self._start_requests(now), self._timer_wheel.next_due())

    def _start_requests(self, now: float) -> float:
        """Start what may start now; return when the next request may start (trio's clock)."""
        while self._queue and self._in_flight < self._limits.in_flight:
            slot = self._queue.first()
            if slot.task is None:
                self._queue.remove(slot)  # it was stopped while it waited
                continue
            pause = self._auth.pause
            wait = 0.0 if pause is None else pause.until_probe(self._now())
            wait = wait or self._limiter.try_acquire(now)
            if wait:
                # a request starts at its moment, unless many start within a tick
                crowded = self._limits.requests_per_second * _TICK > 1
                return now + (max(wait, _TICK) if crowded else wait)
            self._queue.remove(slot)
            self._start_request(slot, now)
        return math.inf

    def _start_request(self, slot: PollSlot, now: float) -> None:
        self._in_flight += 1
        self._metrics.poll_lag(self._gateway, now - slot.due)
        pause = self._auth.pause
        if pause is None:
            self._metrics.budget_wait(self._gateway, now - max(slot.due, self._resumed_at))
            page = self._queue.plan(slot, now)
            slot.wake(_ALONE if page is None else page)
        else:
            pause.probing = True
            slot.wake(pause)

    def _request_done(self) -> None:
        """Count a request as done, and start the next."""
        self._in_flight -= 1
        if self._queue or self._auth.pause is not None:
            self._wake_by(self._start_requests(trio.current_time()))

    def _wake_by(self, moment: float) -> None:
        """Have `run` continue no later than at `moment` (trio's clock)."""
        if moment < self._wakes_at:
            self._wakeup.notify()

    def _spread_out(self) -> None:
        """Spread the slots that came due while the process was stopped."""
        now = trio.current_time()
        spread = min(self._limits.poll_interval, _LONGEST_SPREAD)
        for slot in self._timer_wheel.take_due(now):
            slot.due = now + self._rng.uniform(0, spread)
            self._timer_wheel.add(slot)

    async def _make_request(self, slot: PollSlot, value: object) -> PollResult | None:
        """Make the request that `value` stands for: alone, a page or a probe; None to wait on."""
        try:
            if isinstance(value, PageRequest):
                return await self._ask_page(slot, value)
            if self._auth.pause is not None and value is not self._auth.pause:
                return None  # the pause began after this request was started
            asked = await self._ask_alone(slot)
            if isinstance(value, AuthPause) and value is self._auth.pause:
                return self._still_refused(slot, asked, value)
            return asked
        finally:
            if isinstance(value, AuthPause):
                value.probing = False
            self._request_done()

    def _still_refused(
        self, slot: PollSlot, asked: PollResult, pause: AuthPause
    ) -> PollResult | None:
        """Apply the refusal of a probe to the queued slots whose watches are past deadline."""
        pause.record_probe(asked.answer, self._now() + jittered(PROBE_INTERVAL, self._rng))
        for other in self._queue:
            if other.deadline <= asked.at:
                other.wake(PollResult(pause.refusal, asked.at))
        return asked if slot.deadline <= asked.at else None

    async def _ask_alone(self, slot: PollSlot) -> PollResult:
        at, client, video_id = self._now(), self._client, slot.video_id
        self._recent.note(at)
        answer = await client.retrieve(video_id)
        self._metrics.poll(self._gateway, outcome_word(answer))
        self._pages.record_single(slot, answer, at)
        self._health.record(answer, self._now())
        if isinstance(answer, Seen) and answer.snapshot.status is None:
            self._unknown_statuses.report(answer.snapshot.word)
        if isinstance(answer, Unauthorized):
            if client is self._client:  # else it was the key of before
                self._auth.record_refusal(video_id, answer, self._now())
        elif isinstance(answer, PollError) and answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._back_off(video_id, answer.wait or 0)
        elif shows_good_key(answer):
            self._accepted(at)
        return PollResult(answer, at)

    async def _ask_page(self, slot: PollSlot, request: PageRequest) -> PollResult | None:
        """Ask for a page and apply it; return the answer for `slot`, None if it has none."""
        at = self._now()
        self._recent.note(at)
        page = await self._client.list_page(request.limit, request.after)
        if isinstance(page, Page):
            self._metrics.poll(self._gateway, "listed")
            self._health.record_answered(self._now())
            self._accepted(at)
            own = self._pages.apply(slot, request, page, at)
            self._wake_by(self._timer_wheel.next_due())
            return own
        self._metrics.poll(self._gateway, "not_listed")
        self._log.debug("not_listed", outcome=outcome_word(page), detail=page.detail)
        if page.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._back_off("", page.wait or 0)
        self._pages.fail(slot, request, page)
        return None

    def _back_off(self, video_id: str, wait: float) -> None:
        """Make no requests for a while, but not twice in a row for the same limited video."""
        if video_id != self._limited:
            self._limited = video_id
            self._limiter.pause(min(wait, LONGEST_WAIT))

    def _accepted(self, at: float) -> None:
        if self._auth.record_accepted(at):
            self._resumed()

    def _resumed(self) -> None:
        self._resumed_at = trio.current_time()
        self._health.record_resumed(self._now())
        self._wakeup.notify()
