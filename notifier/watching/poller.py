"""One poller: asks about one video until it has ended, and hands the ending on.

The poller's memory outlives a crash of its task, and the part that counts is in the store, so
that a restarted daemon goes on where the last one stopped.
"""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Protocol

import trio

from notifier import log
from notifier.model.answer import Seen, Trouble, outcome_word
from notifier.model.event import Ending
from notifier.model.lesson import Lesson
from notifier.model.video import Snapshot
from notifier.model.watch import Watch
from notifier.schedule.book import LessonBook
from notifier.watching.lifecycle import Again, Finish, Memory, WatchRules, consider
from notifier.watching.seat import Asked, Seat
from notifier.watching.study import Study

_log = log.get()


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

    async def ask(
        self, seat: Seat, *, due: float, soonest: float, deadline: float
    ) -> Asked | None:
        """Ask for one video's status when it is due and its turn; see `Desk.ask`."""

    def dismiss(self, seat: Seat) -> None:
        """Let a poller that waits go."""

    def leave(self, seat: Seat) -> None:
        """Forget a seat whose poller will not come back."""


class Poller:
    """Polls for one watch; `rules` tells, for the watch as it is now, how."""

    __slots__ = (
        *("watch", "_desk", "_store", "_publisher", "_rules", "_now", "_rng"),
        *("_memory", "_study", "_finish", "_lesson", "_outcome", "_seat", "_stopped", "_unsaved"),
    )

    def __init__(  # noqa: PLR0913 - these are whom it works with
        self,
        watch: Watch,
        desk: Asker,
        store: ReadingStore,
        publisher: Publisher,
        *,
        rules: Callable[[Watch], WatchRules],
        now: Callable[[], float],
        rng: Random,
        book: LessonBook,
    ) -> None:
        self.watch = watch
        self._desk = desk
        self._store = store
        self._publisher = publisher
        self._rules = rules
        self._now = now
        self._rng = rng
        self._memory = Memory(watch.snapshot, watch.missing_since, watch.missing_count)
        self._study = Study(book)
        self._finish: Finish | None = None
        self._lesson: Lesson | None = None
        self._outcome = ""
        self._seat = Seat(watch.key.video_id)
        self._stopped = self._unsaved = False

    def stop(self) -> None:
        """Do not poll any more; what is under way is finished, and forgotten."""
        self._stopped = True
        self._desk.dismiss(self._seat)

    async def run(self, first_delay: float) -> None:
        """Poll until the watch has ended and its event is durable, or until `stop`.

        Raises StoreError when the store will not have it: the poller may be run again.
        """
        if self._finish is not None:
            # told before, but the store would not have it: the first terminal word wins
            await trio.sleep(first_delay)
        soonest = min(first_delay, self._rules(self.watch).min_poll_interval)
        step: Again | Finish | None = self._finish or Again(first_delay, soonest)
        while isinstance(step, Again) and not self._stopped:
            # nothing is held in here while this waits that is not needed any more
            step = self._take_in(await self._ask(step))
            if self._unsaved and isinstance(step, Again):
                await self._store.save_reading(self.watch.row, *self._memory[:3])
        if isinstance(step, Finish) and not self._stopped:
            await self._publisher.publish(
                Ending(self.watch, step.type, step.snapshot, step.reason, self._lesson)
            )
            if self._lesson is not None:
                self._study.learn(self._lesson)
        self._desk.leave(self._seat)

    def _ask(self, wait: Again) -> Awaitable[Asked | None]:
        """Wait and ask; None when told to stop."""
        now = trio.current_time()
        return self._desk.ask(
            self._seat,
            due=now + wait.delay,
            soonest=now + wait.at_least,
            deadline=self._rules(self.watch).deadline,
        )

    def _take_in(self, asked: Asked | None) -> Again | Finish | None:
        """Take an answer in; return what to do next, None when told to stop."""
        if asked is None or self._stopped:
            return None
        before = self._memory
        step = self._consider(asked)
        self._report(asked, before)
        self._unsaved = _news(self._memory) != _news(before)
        if isinstance(step, Finish):
            self._finish = step
        return step

    def _consider(self, asked: Asked) -> Again | Finish:
        """Take an answer in: remember it, and learn from it."""
        # the rules again: the watch may have been listed anew while this waited its turn
        watch, rules = self.watch, self._rules(self.watch)

        def usual(running: Snapshot) -> float:
            self._study.note(watch, running, asked.at, counts=asked.was_due)
            return self._study.gap(watch, running, rules.pace, self._rng)

        self._memory, step = consider(
            self._memory,
            asked.answer,
            watch.key.video_id,
            rules,
            asked_at=asked.at,
            now=self._now(),
            rng=self._rng,
            usual=usual,
        )
        if isinstance(step, Finish):
            self._lesson = self._study.lesson(watch, step.snapshot, rules.pace, asked.at)
        return step

    def _report(self, asked: Asked, before: Memory) -> None:
        """Log the poll: loudly when it changed something, for debugging when it did not."""
        answer = asked.answer
        outcome = outcome_word(answer)
        changed = outcome != self._outcome or (
            isinstance(answer, Seen) and _word(before) != _word(self._memory)
        )
        self._outcome = outcome
        if not changed and not log.wants("debug"):
            return
        gateway, video_id = self.watch.key
        fields: dict[str, object] = {
            "gateway": gateway,
            "video_id": video_id,
            "outcome": outcome,
            "duration_ms": round((self._now() - asked.at) * 1000),
        }
        match answer:
            case Seen():
                fields["status"] = answer.snapshot.word
                fields["progress"] = answer.snapshot.progress
            case Trouble():
                fields |= {"detail": answer.detail, "hint": answer.hint}
            case _:
                fields["detail"] = answer.detail
        fields = {name: value for name, value in fields.items() if value not in {None, ""}}
        say = _log.info if isinstance(answer, Seen) else _log.warning
        (say if changed else _log.debug)("poll", **fields)


def _news(memory: Memory) -> tuple[object, ...]:
    """Return what is worth a write when it changes: of progress, every ten percent."""
    seen = memory.snapshot
    if seen is None:
        return memory.missing_since, memory.missing_count
    return (
        *(memory.missing_since, memory.missing_count, seen.word, (seen.progress or 0) // 10),
        *(seen.model, seen.created_at, seen.seconds, seen.size),
    )


def _word(memory: Memory) -> str:
    return "" if memory.snapshot is None else memory.snapshot.word
