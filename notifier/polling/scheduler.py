"""A gateway's desk: where all pollers of one gateway wait for their turn to ask.

One clerk keeps the timetable and lets pollers ask when they are due, a few at a time. The desk
keeps three promises to the gateway. It never asks faster than the budget. When the gateway says
that it is asked too much (429), nobody asks until the wait that it named is over, and then
slowly at first. And when the key is refused (see `keys`) it stops everybody at once, says so in
one loud line, and lets a single poller try again now and then until the key is good; then all
go on where they were. A refused key never ends a watch.
"""

import math
from collections.abc import Callable
from http import HTTPStatus
from random import Random

import trio

from notifier import log
from notifier.gateway import Page
from notifier.metrics import Metrics
from notifier.model.answer import PollError, Seen, Unauthorized, outcome_word
from notifier.polling.auth import PROBE_INTERVAL, AuthMonitor, AuthPause, shows_good_key
from notifier.polling.lifecycle import LONGEST_WAIT
from notifier.polling.limits import SchedulerLimits, StatusClient
from notifier.polling.page_applier import PageApplier
from notifier.polling.page_planner import PagePlanner, PageRequest
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.polling.ready_queue import ReadyQueue
from notifier.polling.timer_wheel import TimerWheel
from notifier.polling.unknown_status import UnknownStatusLog
from notifier.rate_limiter import RateLimiter, RequestRate
from notifier.schedule.backoff import jittered
from notifier.wakeup import Wakeup

_TICK = 0.01  # seconds; who has a turn within one is woken together, which costs less
_OVERSLEPT = 5.0
_LONGEST_SPREAD = 30.0
_TURN = object()


class GatewayScheduler:
    """Asks one gateway for all its pollers; `run` must be running. `now` is `Clock.now`."""

    def __init__(
        self,
        gateway: str,
        client: StatusClient,
        rules: SchedulerLimits,
        *,
        now: Callable[[], float],
        rng: Random,
        metrics: Metrics | None = None,
    ) -> None:
        self._gateway = gateway
        self._client = client
        self._rules = rules
        self._now = now
        self._rng = rng
        self._metrics = metrics or Metrics()
        self._limiter = RateLimiter(rules.requests_per_second)
        self._timer_wheel = TimerWheel()
        self._slots: dict[str, PollSlot] = {}
        self._queue = ReadyQueue(PagePlanner(rules.list_videos, self._slots))
        self._pages = PageApplier(self._queue, self._slots, self._timer_wheel)
        self._in_flight = 0
        self._wakeup = Wakeup()
        self._wakes_at = -math.inf
        self._limited: str | None = None
        self._auth = AuthMonitor()
        self._pause: AuthPause | None = None
        self._resumed_at = -math.inf
        self._recent = RequestRate()
        self._log = log.get(gateway=gateway)
        self._words = UnknownStatusLog(self._log)
        self._metrics.gateway_paused(gateway, paused=False)

    def change(self, client: StatusClient, rules: SchedulerLimits) -> None:
        """Ask through `client` from now on, by other rules; a refused key is tried anew."""
        self._client = client
        self._rules = rules
        self._limiter.set_rate(rules.requests_per_second)
        self._words = UnknownStatusLog(self._log)
        self._queue.planner = PagePlanner(rules.list_videos, self._slots)
        self._auth.accepted()
        if self._pause is not None:
            self._resume()
        self._wakeup.notify()

    @property
    def paused(self) -> bool:
        """Whether the key is refused at present."""
        return self._pause is not None

    def rate(self) -> float:
        """Return how many requests a second were made of late."""
        return self._recent.per_second(self._now())

    def lateness(self) -> float:
        """Return by how many seconds the clerk has missed its look; not above 0 if in time."""
        return trio.current_time() - self._wakes_at if math.isfinite(self._wakes_at) else 0.0

    async def run(self) -> None:
        """Be the clerk: let everybody ask in their turn, for ever."""
        while True:
            self._wakes_at = self._serve()
            await self._wakeup.wait(self._wakes_at - trio.current_time())
            if trio.current_time() - self._wakes_at > _OVERSLEPT:
                self._spread_out()

    def wait(self, slot: PollSlot) -> None:
        """Wake the task parked at `slot` when it is due and may ask.

        From `earliest` on, an answer from a list page is passed to `PollSlot.accept_listed`.
        While the key is refused nothing is asked; a watch past its deadline gets the refusal of
        the first try after the deadline.
        """
        if self._slots.get(slot.video_id) is not slot:
            self._slots[slot.video_id] = slot
            self._queue.planner.add(slot)
        self._timer_wheel.add(slot)
        self._look_by(slot.due)

    async def ask(self, slot: PollSlot) -> PollResult | None:
        """Return what a seat was woken with, or the answer that it asks for, if it has a turn.

        None if it has to park again, having had no answer, or was dismissed.
        """
        word, slot.wake_value = slot.wake_value, None
        if word is None or isinstance(word, PollResult):
            return word
        asked = await self._ask_now(slot, word)
        if asked is not None:
            return asked
        if isinstance(word, PageRequest):
            self._queue.add_first(slot)
            self._look_by(trio.current_time())
        else:
            self._queue.add(slot)
        return None

    def stop_waiting(self, slot: PollSlot) -> None:
        """Let a poller that waits go; one that asks is left to it."""
        slot.wake(None)

    def leave(self, slot: PollSlot) -> None:
        """Forget a seat whose poller will not come back."""
        if self._slots.get(slot.video_id) is slot:
            del self._slots[slot.video_id]
            self._queue.remove(slot)
            self._queue.planner.remove(slot)

    def _serve(self) -> float:
        """Have those stand in line who are due; return when to look again (trio's clock)."""
        now = trio.current_time()
        for slot in self._timer_wheel.take_due(now):
            self._queue.add(slot)
        return min(self._give_turns(now), self._timer_wheel.next_due())

    def _give_turns(self, now: float) -> float:
        """Let those ask whose turn it is; return when the next has its turn (trio's clock)."""
        while self._queue and self._in_flight < self._rules.in_flight:
            slot = self._queue.first()
            if slot.task is None:
                self._queue.remove(slot)  # it was stopped while it waited
                continue
            wait = 0.0 if self._pause is None else self._until_try(self._pause)
            wait = wait or self._limiter.try_acquire(now)
            if wait:
                # a turn comes at its moment, unless many come within a tick
                crowded = self._rules.requests_per_second * _TICK > 1
                return now + (max(wait, _TICK) if crowded else wait)
            self._queue.remove(slot)
            self._let_ask(slot, now)
        return math.inf

    def _let_ask(self, slot: PollSlot, now: float) -> None:
        self._in_flight += 1
        self._metrics.poll_lag(self._gateway, now - slot.due)
        if self._pause is None:
            self._metrics.budget_wait(self._gateway, now - max(slot.due, self._resumed_at))
            page = self._queue.plan(slot, now)
            slot.wake(_TURN if page is None else page)
        else:
            self._pause.trying = True
            slot.wake(self._pause)

    def _leave(self) -> None:
        """Make room for the next in line."""
        self._in_flight -= 1
        if self._queue or self._pause is not None:
            self._look_by(self._give_turns(trio.current_time()))

    def _look_by(self, moment: float) -> None:
        """Have the clerk look no later than at `moment` (trio's clock)."""
        if moment < self._wakes_at:
            self._wakeup.notify()

    def _spread_out(self) -> None:
        """When everything was stopped for a while, do not let all rise together."""
        now = trio.current_time()
        spread = min(self._rules.poll_interval, _LONGEST_SPREAD)
        for slot in self._timer_wheel.take_due(now):
            slot.due = now + self._rng.uniform(0, spread)
            self._timer_wheel.add(slot)

    def _until_try(self, pause: AuthPause) -> float:
        """Return in how many seconds the key may be tried; infinity while it is."""
        return math.inf if pause.trying else max(pause.next_try - self._now(), 0.0)

    async def _ask_now(self, slot: PollSlot, word: object) -> PollResult | None:
        """Ask in a turn or to try the key; None to wait in line again."""
        try:
            if isinstance(word, PageRequest):
                return await self._ask_page(slot, word)
            if self._pause is not None and word is not self._pause:
                return None  # it began after this turn was given
            asked = await self._request(slot)
            if isinstance(word, AuthPause) and word is self._pause:
                return self._still_refused(slot, asked, word)
            return asked
        finally:
            if isinstance(word, AuthPause):
                word.trying = False
            self._leave()

    def _still_refused(
        self, slot: PollSlot, asked: PollResult, pause: AuthPause
    ) -> PollResult | None:
        """Tell those in line of a try whose watches are over."""
        pause.tried(asked.answer, asked.at, self._now() + jittered(PROBE_INTERVAL, self._rng))
        for other in self._queue:
            if other.deadline <= asked.at:
                other.wake(PollResult(pause.not_found, asked.at))
        return asked if slot.deadline <= asked.at else None

    async def _request(self, slot: PollSlot) -> PollResult:
        at, client, video_id = self._now(), self._client, slot.video_id
        self._recent.note(at)
        answer = await client.retrieve(video_id)
        self._metrics.poll(self._gateway, outcome_word(answer))
        self._pages.on_single_answer(slot, answer)
        if isinstance(answer, Seen) and answer.snapshot.status is None:
            self._words.explain(answer.snapshot.word)
        if isinstance(answer, Unauthorized):
            # not if that was the key of before
            if client is self._client and self._auth.is_refused(video_id, answer):
                self._refused(answer)
        elif isinstance(answer, PollError) and answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._rest(video_id, answer.wait or 0)
        elif shows_good_key(answer):
            self._accepted(at)
        return PollResult(answer, at)

    async def _ask_page(self, slot: PollSlot, request: PageRequest) -> PollResult | None:
        """Ask for a page and hand out what it says; None if this one is not answered by it."""
        at = self._now()
        self._recent.note(at)
        page = await self._client.list_page(request.limit, request.after)
        if isinstance(page, Page):
            self._metrics.poll(self._gateway, "listed")
            self._accepted(at)
            own = self._pages.apply(slot, request, page, at)
            self._look_by(self._timer_wheel.next_due())
            return own
        self._metrics.poll(self._gateway, "not_listed")
        self._log.debug("not_listed", outcome=outcome_word(page), detail=page.detail)
        if page.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._rest("", page.wait or 0)
        self._pages.fail(slot, request, page)
        return None

    def _refused(self, answer: Unauthorized) -> None:
        if self._pause is None:
            self._pause = AuthPause(answer, self._now())
            self._metrics.gateway_paused(self._gateway, paused=True)
            self._log.error(
                "gateway_paused",
                outcome=f"http_{answer.status}",
                detail=answer.detail,
                hint="is api_key right? No watch is lost; one request a minute tries again",
                next_try_in=PROBE_INTERVAL,
            )

    def _rest(self, video_id: str, wait: float) -> None:
        """Leave the gateway alone, but not for one video that is limited again and again."""
        if video_id != self._limited:
            self._limited = video_id
            self._limiter.pause(min(wait, LONGEST_WAIT))

    def _accepted(self, at: float) -> None:
        """Go on, unless the request was made `at` a time when the key was not refused yet."""
        self._auth.accepted()
        if self._pause is not None and at > self._pause.since:
            self._resume()
            self._log.warning("gateway_resumed", outcome="the key is accepted again")

    def _resume(self) -> None:
        self._pause = None
        self._resumed_at = trio.current_time()
        self._metrics.gateway_paused(self._gateway, paused=False)
        self._wakeup.notify()
