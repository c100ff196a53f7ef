"""The pause of a gateway that refuses the key: which videos are asked about nevertheless.

- A probe once a minute. Probes go round the videos, every other one among those that the key was
  good for before: they show first that it is good again.
- Every video that was not asked about since the first refusal, once each: its answer may show that
  not the key was refused but certain videos. Quickly at first, then one a second.
- Every video past its deadline, one a second: its watch ends by its own refusal or failure.

All other videos wait in the queue, and are asked about at once when the pause ends.
"""

import math
from collections.abc import Iterable
from random import Random

from notifier.model.answer import Unauthorized
from notifier.polling.poll_slot import PollSlot
from notifier.schedule.backoff import jittered

PROBE_INTERVAL = 60.0
"""The time between two probes, in seconds."""

_PACE = 1.0
_QUICK_PACE, _QUICK = 0.2, 100
"""Between two other requests pass _PACE seconds; between the first _QUICK of them less."""

_IDLE_PACE = 10.0
"""How late a new watch may be asked about during a pause, in seconds."""


class AuthPause:
    """A pause that began `since`; all moments are `Clock.now`. `refusal` is the latest one."""

    def __init__(self, refusal: Unauthorized, since: float, first_refusal: float) -> None:
        self.refusal = refusal
        self.since = since
        self._first_refusal = first_refusal
        self._next_probe = since + PROBE_INTERVAL
        self._next_other = since
        self._probes = self._others = 0

    def choose(self, queue: Iterable[PollSlot], now: float, rng: Random) -> PollSlot | None:
        """Return the queued slot to ask about now, None if there is none; it counts as asked."""
        parked = [slot for slot in queue if slot.task is not None] if self.wait(now) <= 0 else []
        chosen = self._choose_other(parked, now) if self._next_other <= now else None
        if chosen is None and parked and self._next_probe <= now:
            chosen = self._choose_probe(parked)
            self._probes += 1
            self._next_probe = now + jittered(PROBE_INTERVAL, rng)
        return chosen

    def _choose_other(self, parked: list[PollSlot], now: float) -> PollSlot | None:
        others = (slot for slot in parked if slot.deadline <= now or self._is_unasked(slot))
        chosen = next(others, None)
        self._others += chosen is not None
        self._next_other = now + self._pace_after(chosen, parked, now)
        return chosen

    def _pace_after(self, chosen: PollSlot | None, parked: list[PollSlot], now: float) -> float:
        """Return the seconds until the queue is looked through again, which takes time."""
        if chosen is None:
            next_deadline = min((slot.deadline for slot in parked), default=math.inf)
            return min(max(next_deadline - now, _PACE), _IDLE_PACE)
        quick = chosen.deadline > now and self._others <= _QUICK
        return _QUICK_PACE if quick else _PACE

    def wait(self, now: float) -> float:
        """Return in how many seconds to `choose` again."""
        return max(min(self._next_probe, self._next_other) - now, 0.0)

    def _choose_probe(self, parked: list[PollSlot]) -> PollSlot:
        if self._probes % 2:
            return parked[0]
        return next((slot for slot in parked if slot.accepted), parked[0])

    def _is_unasked(self, slot: PollSlot) -> bool:
        return slot.asked_at < self._first_refusal
