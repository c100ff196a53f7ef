"""A lane: the worker that delivers to one endpoint, or to the callbacks signed as for one.

A lane claims due deliveries from the store, as many as its flow control allows, and runs an
attempt for each. While nothing is due, new deliveries may be claimed for it as they are recorded,
and handed to it. Between claims it sleeps until it is woken or the next delivery is due, at most
a minute. An endpoint that hangs fills its own lane only. The next attempt does not wait until a
success is recorded: successes are recorded together, and the number of unrecorded ones is bounded.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import trio

from notifier import log
from notifier.delivery.attempt import FinishedAttempt
from notifier.errors import StoreError
from notifier.model.delivery import Claim
from notifier.schedule.backoff import growing
from notifier.wakeup import Wakeup

_LONGEST_PAUSE = 60.0  # seconds between two looks at what is due

_STORE_PAUSE = 1.0
_LONGEST_STORE_PAUSE = 30.0

MOST_UNRECORDED = 64
"""How many successes of one lane may be unrecorded before it claims nothing more."""


class Claimed(NamedTuple):
    """What was claimed, and in how many seconds more may be due: 0 or less is now.

    When it `was_all`, nothing else was due, and new deliveries overtake none.
    """

    claims: Sequence[Claim]
    pause: float
    was_all: bool = False


class Flow(Protocol):
    """Flow control: which deliveries are attempted, and when."""

    async def claim(self, in_flight: int, most: int) -> Claimed:
        """Claim deliveries for attempts now, at most `most`; `in_flight` are under way."""

    async def attempt(self, claim: Claim) -> FinishedAttempt | None:
        """Make one attempt; return None if it was not begun, and is due again."""

    def next(self, in_flight: int) -> Claim | None:
        """Return a claim that is held, if its attempt may be made now."""

    def has_room(self, in_flight: int) -> bool:
        """Return whether a new delivery may be claimed for an attempt now or soon."""

    def hold(self, claim: Claim) -> None:
        """Take a claim that was made for this lane elsewhere, for `next`."""

    @property
    def holds_claims(self) -> bool:
        """Whether there are claims whose attempts have not begun."""

    async def release(self) -> None:
        """Take back the claims that are held; raises StoreError."""


class Records(Protocol):
    """Records attempts (`notifier.delivery.attempt.AttemptRunner`)."""

    async def record(self, finished: FinishedAttempt) -> None:
        """Record an attempt; return once that is durable."""

    async def record_received(self, finished: Sequence[FinishedAttempt]) -> None:
        """Record attempts that were received; return once that is durable."""


class Lane:
    """Delivers what `flow` claims; `settled` is notified after every attempt."""

    def __init__(self, name: str, flow: Flow, records: Records, settled: Wakeup) -> None:
        self._flow = flow
        self._records = records
        self._settled = settled
        self._wakeup = Wakeup()
        self._nursery: trio.Nursery | None = None
        self._in_flight = 0
        self._reserved = 0
        self._has_all = False
        """Whether nothing is due before `_look_at` that is not in flight."""
        self._look_at = -math.inf
        self._had_all = False
        """Whether the last look found all that was due then."""
        self._is_catching_up = False
        """Whether a look is under way for what was recorded during the one before."""
        self._was_woken = False
        self._unrecorded = 0
        self._received: list[FinishedAttempt] = []
        self._is_recording = False
        self._stopping = False
        self._claimed_at = math.inf
        self._log = log.get(endpoint=name)

    def lateness(self) -> float:
        """Return how overdue the next claim is, in seconds; 0 or less if it is in time."""
        return trio.current_time() - self._claimed_at - _LONGEST_PAUSE

    def wake(self) -> None:
        """Hint that something may be due."""
        self._was_woken = True
        self._look_again()

    def reserve(self) -> bool:
        """Tell whether a delivery may be claimed for this lane as it is recorded.

        If so, `hand` must follow. Older deliveries go first: not while many may be due. While a
        look catches up with the last few, new ones are taken: else there would always be a few.
        """
        if self._nursery is None or self._stopping:
            return False
        if not self._has_all and not self._is_catching_up:
            return False
        if self._unrecorded >= MOST_UNRECORDED:
            return False
        if not self._flow.has_room(self._in_flight + self._reserved):
            return False
        self._reserved += 1
        return True

    def hand(self, claim: Claim | None) -> None:
        """Deliver `claim`, for which there was a reservation; None if there is none after all."""
        self._reserved -= 1
        if claim is not None:
            self._flow.hold(claim)
            if self._nursery is not None and not self._is_catching_up:
                self._start_held(self._nursery)
        self._note_change()

    def stop(self) -> None:
        """Claim nothing more; `run` returns once the attempts in flight are recorded."""
        self._stopping = True
        self._wakeup.notify()

    async def run(self) -> None:
        """Deliver until `stop`."""
        store_failures = 0
        async with trio.open_nursery() as self._nursery:
            while not self._stopping:
                self._claimed_at = trio.current_time()
                try:
                    pause = await self._take_due(self._nursery)
                    store_failures = 0
                except StoreError as error:
                    store_failures += 1
                    pause = growing(_STORE_PAUSE, store_failures, _LONGEST_STORE_PAUSE)
                    self._log.error("lane_waits_for_store", reason=str(error), wait=pause)
                if not await self._wakeup.wait(pause):
                    self._has_all = False  # the next one is due
            while self._reserved:
                await self._wakeup.wait(_LONGEST_PAUSE)
            await self._release()

    async def _release(self) -> None:
        """Take back the claims held: the endpoint may come back before the next start."""
        failures = 0
        while True:
            try:
                await self._flow.release()
            except StoreError as error:
                failures += 1
                pause = growing(_STORE_PAUSE, failures, _LONGEST_STORE_PAUSE)
                self._log.error("lane_waits_for_store", reason=str(error), wait=pause)
                await trio.sleep(pause)
            else:
                return

    async def _take_due(self, nursery: trio.Nursery) -> float:
        """Start attempts at what is due; return the seconds until the next look, at most 60."""
        if self._has_all:
            self._start_held(nursery)
            return self._look_at - trio.current_time()
        most = MOST_UNRECORDED - self._unrecorded
        if most <= 0:
            return _LONGEST_PAUSE
        self._was_woken = False
        self._is_catching_up, self._had_all = self._had_all, False
        try:
            claims, pause, was_all = await self._flow.claim(self._in_flight + self._reserved, most)
        finally:
            self._is_catching_up = False
        self._had_all = was_all
        self._has_all = was_all and not self._was_woken
        for claim in claims:
            self._in_flight += 1
            nursery.start_soon(self._work, nursery, claim)
        self._start_held(nursery)
        pause = min(pause, _LONGEST_PAUSE)
        self._look_at = trio.current_time() + pause
        return pause

    def _start_held(self, nursery: trio.Nursery) -> None:
        """Start attempts at what is held, as many as flow control allows."""
        while (claim := self._next()) is not None:
            nursery.start_soon(self._work, nursery, claim)

    def _look_again(self) -> None:
        """Claim again: something may be due."""
        self._has_all = False
        self._wakeup.notify()

    def _note_change(self) -> None:
        """Claim again, or take claims back, if there may be any to claim or to take back."""
        if not self._has_all or self._stopping or self._flow.holds_claims:
            self._wakeup.notify()

    def _next(self) -> Claim | None:
        """Return a claim that is held, if its attempt may be made; it is in flight then."""
        if self._stopping or self._unrecorded >= MOST_UNRECORDED:
            return None
        claim = self._flow.next(self._in_flight)
        if claim is not None:
            self._in_flight += 1
        return claim

    async def _work(self, nursery: trio.Nursery, first: Claim) -> None:
        """Deliver `first`, then what is held, as long as flow control allows."""
        claim: Claim | None = first
        while claim is not None:
            await self._deliver(nursery, claim)
            claim = self._next()
        self._note_change()

    async def _deliver(self, nursery: trio.Nursery, claim: Claim) -> None:
        """Make one attempt; a success frees its slot before it is recorded."""
        try:
            finished = await self._flow.attempt(claim)
            if finished is not None and finished.result.delivered:
                self._unrecorded += 1
                self._received.append(finished)
                if not self._is_recording:
                    self._is_recording = True
                    nursery.start_soon(self._record_received)
            else:
                if finished is not None:
                    await self._records.record(finished)
                self._look_again()
        finally:
            self._in_flight -= 1
            self._settled.notify()

    async def _record_received(self) -> None:
        """Record what was received, all that has come together at a time."""
        try:
            while self._received:
                finished, self._received = self._received, []
                await self._records.record_received(finished)
                self._unrecorded -= len(finished)
                self._note_change()
                self._settled.notify()
        finally:
            self._is_recording = False
