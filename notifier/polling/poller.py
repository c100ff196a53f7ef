"""One poller: asks about one video until it has ended, and hands the ending on.

The poller's memory outlives a crash of its task, and the part that counts is in the store, so
that a restarted daemon goes on where the last one stopped.
"""

from collections.abc import Callable
from random import Random
from typing import NamedTuple, Protocol

import trio

from notifier import log
from notifier.model.answer import Seen, Trouble, outcome_word
from notifier.model.event import Ending
from notifier.model.lesson import Lesson
from notifier.model.video import Snapshot
from notifier.model.watch import Reading, Watch
from notifier.schedule.book import LessonBook
from notifier.polling.lifecycle import Again, Finish, Memory, WatchRules, again, ending
from notifier.polling.seat import Asked, Seat
from notifier.polling.study import Study

_log = log.get()
_SEEN = "seen"


class Keeper(Protocol):
    """What a poller needs of the readings."""

    def keep(self, reading: Reading) -> None:
        """Have it stored before long what an open watch was last told."""


class Publisher(Protocol):
    """What a poller needs of the outbox."""

    async def publish(self, ending: Ending) -> None:
        """Make the ending's event durable."""


class Asker(Protocol):
    """What a poller needs of its gateway's desk."""

    def wait(self, seat: Seat) -> None:
        """Have a seat woken when it is due and has its turn; see `Desk.wait`."""

    async def ask(self, seat: Seat) -> Asked | None:
        """Return the answer that a seat was woken for; see `Desk.ask`."""

    def dismiss(self, seat: Seat) -> None:
        """Let a poller that waits go."""

    def leave(self, seat: Seat) -> None:
        """Forget a seat whose poller will not come back."""


class Means(NamedTuple):
    """What all pollers work with; `rules` tells, for a watch as it is now, how it is polled."""

    readings: Keeper
    publisher: Publisher
    rules: Callable[[Watch], WatchRules]
    now: Callable[[], float]
    rng: Random
    book: LessonBook


class Poller(Seat):
    """Polls for one watch, at its gateway's `desk`."""

    __slots__ = (
        *("watch", "_desk", "_means", "_memory", "_study"),
        *("_finish", "_lesson", "_outcome", "_stopped"),
    )

    def __init__(self, watch: Watch, desk: Asker, means: Means) -> None:
        super().__init__(watch.key.video_id)
        self.watch = watch
        self._desk = desk
        self._means = means
        self._memory = Memory(watch.snapshot, watch.missing_since, watch.missing_count)
        self._study = Study(means.book)
        self._finish: Finish | None = None
        self._lesson: Lesson | None = None
        self._outcome = ""
        self._stopped = False

    def stop(self) -> None:
        """Do not poll any more; what is under way is finished, and forgotten."""
        self._stopped = True
        self._desk.dismiss(self)

    async def run(self, first_delay: float) -> None:
        """Poll until the watch has ended and its event is durable, or until `stop`.

        Raises StoreError when the store will not have it: the poller may be run again.
        """
        if self._finish is None:
            self._begin(first_delay)
        else:
            # told before, but the store would not have it: the first terminal word wins
            await trio.sleep(first_delay)
        while self._goes_on():
            self._desk.wait(self)
            asked = None
            while asked is None and self._goes_on():
                await self.park()
                asked = await self._desk.ask(self)
            if asked is not None and self._goes_on():
                self._take_in(asked)
        if self._finish is not None and not self._stopped:
            await self._publish(self._finish)
        self._desk.leave(self)

    def _goes_on(self) -> bool:
        return self._finish is None and not self._stopped

    async def _publish(self, finish: Finish) -> None:
        await self._means.publisher.publish(
            Ending(self.watch, finish.type, finish.snapshot, finish.reason, self._lesson)
        )
        if self._lesson is not None:
            self._study.learn(self._lesson)

    @property
    def known(self) -> Snapshot | None:
        """What the gateway last told."""
        return self._memory.snapshot

    def hear(self, asked: Asked, now: float) -> bool:
        """Take in on the spot that the job still runs as it did; see `Seat.hear`."""
        rules = self._means.rules(self.watch)
        if (
            self._stopped
            or self._outcome != _SEEN
            or asked.at >= rules.deadline
            or not self._memory.is_confirmed_by(asked.answer)
            or log.wants("debug")
        ):
            return False
        before = self._memory
        self._memory = before.after(asked.answer, asked.at)
        self._keep(before)
        self._wait(self._again(asked, rules), now)
        return True

    def _begin(self, delay: float) -> None:
        rules = self._means.rules(self.watch)
        self.deadline = rules.deadline
        self._wait(Again(delay, min(delay, rules.min_poll_interval)), trio.current_time())

    def _wait(self, wait: Again, now: float) -> None:
        self.due, self.soonest = now + wait.delay, now + wait.at_least

    def _take_in(self, asked: Asked) -> None:
        """Take an answer in: what it ends, or when to ask again."""
        before = self._memory
        self._finish = self._consider(asked)
        self._report(asked, before)
        if self._finish is None:
            self._keep(before)

    def _keep(self, before: Memory) -> None:
        """Have what is known stored, if it has changed enough."""
        memory = self._memory
        if memory is not before and memory.worth_a_write != before.worth_a_write:
            self._means.readings.keep(Reading(self.watch.row, *memory[:3]))

    def _consider(self, asked: Asked) -> Finish | None:
        """Remember an answer, learn from it, and say how it ends the watch, if it does."""
        # the rules again: the watch may have been listed anew while this waited its turn
        watch, rules, now = self.watch, self._means.rules(self.watch), self._means.now()
        self._memory = self._memory.after(asked.answer, now)
        finish = ending(
            self._memory, asked.answer, self.video_id, rules, asked_at=asked.at, now=now
        )
        if finish is None:
            self._wait(self._again(asked, rules), trio.current_time())
            return None
        self._lesson = self._study.lesson(watch, finish.snapshot, rules.pace, asked.at)
        return finish

    def _again(self, asked: Asked, rules: WatchRules) -> Again:
        """Say when to ask again."""
        self.deadline = rules.deadline
        running, usual = self._memory.snapshot, None
        if isinstance(asked.answer, Seen) and running is not None:
            self._study.note(self.watch, running, asked.at, counts=asked.was_due)
            usual = self._study.gap(self.watch, running, rules.pace, self._means.rng)
        now, rng = self._means.now(), self._means.rng
        return again(self._memory, asked.answer, rules, usual, now=now, rng=rng)

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
            "duration_ms": round((self._means.now() - asked.at) * 1000),
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
