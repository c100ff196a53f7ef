"""One poller: asks about one video until it has ended, and hands the ending on.

The poller's memory outlives a crash of its task, and the part that counts is in the store, so
that a restarted daemon goes on where the last one stopped.
"""

from collections.abc import Callable
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
from notifier.watching.lifecycle import Again, Finish, Memory, WatchRules, again, ending
from notifier.watching.seat import Asked, Seat
from notifier.watching.study import Study

_log = log.get()
_SEEN = "seen"


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

    async def ask(self, seat: Seat) -> Asked | None:
        """Ask for one video's status when it is due and its turn; see `Desk.ask`."""

    def dismiss(self, seat: Seat) -> None:
        """Let a poller that waits go."""

    def leave(self, seat: Seat) -> None:
        """Forget a seat whose poller will not come back."""


class Poller(Seat):
    """Polls for one watch; `rules` tells, for the watch as it is now, how."""

    __slots__ = (
        *("watch", "_desk", "_store", "_publisher", "_rules", "_now", "_rng"),
        *("_memory", "_study", "_finish", "_lesson", "_outcome", "_stopped", "_unsaved"),
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
        super().__init__(watch.key.video_id)
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
        self._stopped = self._unsaved = False

    def stop(self) -> None:
        """Do not poll any more; what is under way is finished, and forgotten."""
        self._stopped = True
        self._desk.dismiss(self)

    async def run(self, first_delay: float) -> None:
        """Poll until the watch has ended and its event is durable, or until `stop`.

        Raises StoreError when the store will not have it: the poller may be run again.
        """
        if self._finish is not None:
            # told before, but the store would not have it: the first terminal word wins
            await trio.sleep(first_delay)
        step: Again | Finish | None = self._finish or self._first(first_delay)
        while isinstance(step, Again) and not self._stopped:
            self._wait(step, trio.current_time())
            # nothing is held in here while this waits that is not needed any more
            step = self._take_in(await self._desk.ask(self))
            if self._unsaved and isinstance(step, Again):
                await self._store.save_reading(self.watch.row, *self._memory[:3])
        if isinstance(step, Finish) and not self._stopped:
            await self._publisher.publish(
                Ending(self.watch, step.type, step.snapshot, step.reason, self._lesson)
            )
            if self._lesson is not None:
                self._study.learn(self._lesson)
        self._desk.leave(self)

    @property
    def known(self) -> Snapshot | None:
        """What the gateway last told."""
        return self._memory.snapshot

    def hear(self, asked: Asked, now: float) -> bool:
        """Take in on the spot that the job still runs as it did; see `Seat.hear`."""
        rules = self._rules(self.watch)
        if (
            self._stopped
            or self._outcome != _SEEN
            or asked.at >= rules.deadline
            or not self._memory.is_confirmed_by(asked.answer)
            or log.wants("debug")
        ):
            return False
        self._memory = self._memory.after(asked.answer, asked.at)
        self._wait(self._again(asked, rules), now)
        return True

    def _first(self, delay: float) -> Again:
        rules = self._rules(self.watch)
        self.deadline = rules.deadline
        return Again(delay, min(delay, rules.min_poll_interval))

    def _wait(self, wait: Again, now: float) -> None:
        self.due, self.soonest = now + wait.delay, now + wait.at_least

    def _take_in(self, asked: Asked | None) -> Again | Finish | None:
        """Take an answer in; return what to do next, None when told to stop."""
        if asked is None or self._stopped:
            return None
        before = self._memory
        step = self._consider(asked)
        self._report(asked, before)
        self._unsaved = self._memory.worth_a_write != before.worth_a_write
        if isinstance(step, Finish):
            self._finish = step
        return step

    def _consider(self, asked: Asked) -> Again | Finish:
        """Take an answer in: remember it, and learn from it."""
        # the rules again: the watch may have been listed anew while this waited its turn
        watch, rules, now = self.watch, self._rules(self.watch), self._now()
        self._memory = self._memory.after(asked.answer, now)
        finish = ending(
            self._memory, asked.answer, self.video_id, rules, asked_at=asked.at, now=now
        )
        if finish is None:
            return self._again(asked, rules)
        self._lesson = self._study.lesson(watch, finish.snapshot, rules.pace, asked.at)
        return finish

    def _again(self, asked: Asked, rules: WatchRules) -> Again:
        """Say when to ask again."""
        self.deadline = rules.deadline
        running, usual = self._memory.snapshot, None
        if isinstance(asked.answer, Seen) and running is not None:
            self._study.note(self.watch, running, asked.at, counts=asked.was_due)
            usual = self._study.gap(self.watch, running, rules.pace, self._rng)
        return again(self._memory, asked.answer, rules, usual, now=self._now(), rng=self._rng)

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


def _word(memory: Memory) -> str:
    return "" if memory.snapshot is None else memory.snapshot.word
