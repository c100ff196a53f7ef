"""Asks alone about the jobs that a list calls running when discovery begins.

Some lists say `queued` for ever. So a job of the baseline is watched only when a single answer
says that it runs. One that is over, or that the gateway does not find, stays without an event. A
job whose answer fails is asked about again, until `give_up_after` has passed.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import trio

from notifier.errors import StoreError
from notifier.model.answer import Answer, NotFound, Seen
from notifier.schedule.backoff import growing
from notifier.wakeup import Wakeup

_IN_FLIGHT = 4
_LONGEST_WAIT = 300.0
_MOST_FAILED = 20
"""A round ends after so many answers in a row that told nothing."""


class Decided(Protocol):
    """Commits an answer; raises StoreError."""

    def __call__(self, key: str, *, runs: bool) -> Awaitable[None]:
        """Record whether the job runs."""


class Confirmation:
    """Asks about the `unconfirmed` jobs: their names by key, which others add to."""

    def __init__(
        self,
        unconfirmed: dict[str, tuple[str, ...]],
        ask: Callable[[str], Awaitable[Answer]],
        decided: Decided,
        settled: Wakeup,
        log: Any,  # noqa: ANN401 - structlog's loggers have no common type
    ) -> None:
        self._unconfirmed = unconfirmed
        self._ask = ask
        self._decided = decided
        self._settled = settled
        self._log = log
        self._asked: dict[str, float] = {}
        self._failed_in_a_row = 0
        self._wakeup = Wakeup()

    @property
    def has_asked_all(self) -> bool:
        """Whether every job has been asked about at least once."""
        return self._unconfirmed.keys() <= self._asked.keys()

    def wake(self) -> None:
        """Look for new jobs to ask about."""
        if not self.has_asked_all:
            self._wakeup.notify()

    async def run(self, pace: Callable[[], tuple[float, float]]) -> None:
        """Ask in rounds, for ever; rounds without success become rarer.

        `pace` returns the interval between two rounds and for how long a job is asked about.
        """
        rounds = 0
        while True:
            before = len(self._unconfirmed)
            await self._round(pace()[1])
            rounds = 0 if len(self._unconfirmed) < before else rounds + 1
            self._settled.notify()
            interval, _ = pace()
            await self._wakeup.wait(growing(interval, rounds, max(interval, _LONGEST_WAIT)))

    async def _round(self, give_up_after: float) -> None:
        limit = trio.CapacityLimiter(_IN_FLIGHT)
        self._failed_in_a_row = 0
        async with trio.open_nursery() as nursery:
            # those that were not asked about yet come first
            for key in sorted(self._unconfirmed, key=lambda key: key in self._asked):
                await limit.acquire_on_behalf_of(key)
                if self._failed_in_a_row >= _MOST_FAILED:
                    limit.release_on_behalf_of(key)
                    return  # the key may be refused, or the gateway down
                nursery.start_soon(self._confirm, key, give_up_after, limit)

    async def _confirm(self, key: str, give_up_after: float, limit: trio.CapacityLimiter) -> None:
        video_id = self._unconfirmed[key][0]
        first = self._asked.get(key, trio.current_time())
        try:
            runs = runs_by(await self._ask(video_id))
            self._asked[key] = first
            self._failed_in_a_row = self._failed_in_a_row + 1 if runs is None else 0
            if runs is None and trio.current_time() - first >= give_up_after:
                self._log.warning("discovery_gave_up", video_id=video_id)
                runs = False
            if runs is not None:
                await self._decided(key, runs=runs)
                del self._unconfirmed[key], self._asked[key]
        except StoreError as error:
            self._log.error("discovery_waits_for_store", reason=str(error))
        finally:
            limit.release_on_behalf_of(key)


def runs_by(answer: Answer) -> bool | None:
    """Return whether a job runs by a single answer, None for an answer that does not tell."""
    match answer:
        case Seen():
            return not answer.snapshot.ended
        case NotFound():
            return False
        case _:
            return None
