"""One poller: asks about one video until it has ended, and hands the ending on.

The poller's memory outlives a crash of its task, and the part that counts is in the store, so
that a restarted daemon goes on where the last one stopped.
"""

import math
from collections.abc import Callable
from random import Random
from typing import Protocol

import trio

from notifier import log
from notifier.model.answer import Answer, Seen, Trouble, outcome_word
from notifier.model.event import Ending
from notifier.model.video import Snapshot
from notifier.model.watch import Watch
from notifier.watching.desk import Asked
from notifier.watching.lifecycle import Finish, Memory, WatchRules, consider

_OVERSLEPT = 5.0
_LONGEST_SPREAD = 30.0


class ReadingStore(Protocol):
    """What a poller needs of the store."""

    async def save_reading(
        self,
        row: int,
        snapshot: Snapshot | None,
        missing_since: float | None,
        missing_count: int,
    ) -> None:
        """Keep what an open watch was last told."""


class Publisher(Protocol):
    """What a poller needs of the outbox."""

    async def publish(self, ending: Ending) -> None:
        """Make the ending's event durable."""


class Asker(Protocol):
    """What a poller needs of its gateway's desk."""

    async def ask(self, video_id: str, deadline: float, planned: float) -> Asked:
        """Ask for one video's status, when it is this poller's turn; `planned` is when it was."""


class Poller:
    """Polls for one watch; `rules` tells, for the watch as it is now, how."""

    def __init__(
        self,
        watch: Watch,
        desk: Asker,
        store: ReadingStore,
        publisher: Publisher,
        *,
        rules: Callable[[Watch], WatchRules],
        now: Callable[[], float],
        rng: Random,
    ) -> None:
        self.watch = watch
        self._desk = desk
        self._store = store
        self._publisher = publisher
        self._rules = rules
        self._now = now
        self._rng = rng
        self._memory = Memory(watch.snapshot, watch.missing_since, watch.missing_count)
        self._finish: Finish | None = None
        self._outcome = ""
        self.due = math.inf
        """When the next poll begins (trio's clock); infinity while one is under way."""
        self._log = log.get(gateway=watch.key.gateway, video_id=watch.key.video_id)

    async def run(self, first_delay: float) -> None:
        """Poll until the watch has ended and its event is durable.

        Raises StoreError when the store will not have it: the poller may be run again.
        """
        delay: float | None = first_delay
        while delay is not None:
            planned = self._now() + delay
            await self._sleep(delay)
            delay = await self._poll(planned)

    async def _sleep(self, delay: float) -> None:
        """Sleep; when the whole process was stopped meanwhile, do not rise with all the others."""
        self.due = due = trio.current_time() + delay
        try:
            await trio.sleep_until(due)
            if trio.current_time() - due > _OVERSLEPT:
                spread = min(self._rules(self.watch).poll_interval, _LONGEST_SPREAD)
                await trio.sleep(self._rng.uniform(0, spread))
        finally:
            self.due = math.inf

    async def _poll(self, planned: float) -> float | None:
        """Ask once, as `planned` (`Clock.now`).

        Return the seconds until the next poll, None when the watch has ended.
        """
        if self._finish is not None:
            # told before, but the store would not have it: the first terminal word wins
            await self._hand_on(self._finish)
            return None
        rules = self._rules(self.watch)
        started = trio.current_time()
        video_id = self.watch.key.video_id
        answer, asked_at = await self._desk.ask(video_id, rules.deadline, planned)
        before = self._memory
        # the rules again: the watch may have been listed anew while this waited its turn
        self._memory, step = consider(
            before,
            answer,
            video_id,
            self._rules(self.watch),
            asked_at=asked_at,
            now=self._now(),
            rng=self._rng,
        )
        self._report(answer, before, round((trio.current_time() - started) * 1000))
        if isinstance(step, Finish):
            self._finish = step
            await self._hand_on(step)
            return None
        if _lasting(self._memory) != _lasting(before):
            await self._store.save_reading(self.watch.row, *_lasting(self._memory))
        return step.delay

    async def _hand_on(self, finish: Finish) -> None:
        await self._publisher.publish(
            Ending(self.watch, finish.type, finish.snapshot, finish.reason)
        )

    def _report(self, answer: Answer, before: Memory, duration_ms: int) -> None:
        """Log the poll: loudly when it changed something, for debugging when it did not."""
        outcome = outcome_word(answer)
        changed = outcome != self._outcome or (
            isinstance(answer, Seen) and _visible(before) != _visible(self._memory)
        )
        self._outcome = outcome
        fields: dict[str, object] = {"outcome": outcome, "duration_ms": duration_ms}
        match answer:
            case Seen():
                fields["status"] = answer.snapshot.word
                fields["progress"] = answer.snapshot.progress
            case Trouble():
                fields |= {"detail": answer.detail, "hint": answer.hint}
            case _:
                fields["detail"] = answer.detail
        fields = {name: value for name, value in fields.items() if value not in {None, ""}}
        if not changed:
            self._log.debug("poll", **fields)
        elif isinstance(answer, Seen):
            self._log.info("poll", **fields)
        else:
            self._log.warning("poll", **fields)


def _lasting(memory: Memory) -> tuple[Snapshot | None, float | None, int]:
    return memory.snapshot, memory.missing_since, memory.missing_count


def _visible(memory: Memory) -> tuple[str, int | None]:
    snapshot = memory.snapshot
    return ("", None) if snapshot is None else (snapshot.word, snapshot.progress)
