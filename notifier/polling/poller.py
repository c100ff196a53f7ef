"""One poller: polls one video until its watch has ended, and publishes the ending.

The poller's memory outlives a crash of its task. The part of it that matters is in the store, so
that a restarted daemon continues where the last one stopped.
"""

from collections.abc import Callable
from random import Random
from typing import NamedTuple, Protocol

import trio

from notifier import log
from notifier.model.answer import SEEN, Answer, PollError, Seen, outcome_word
from notifier.model.event import Ending
from notifier.model.job_sample import JobSample
from notifier.model.video import Snapshot
from notifier.model.watch import Observation, Watch
from notifier.polling.job_tracker import JobTracker
from notifier.polling.lifecycle import (
    PollRules,
    TerminalState,
    WatchMemory,
    next_poll,
    terminal_state,
)
from notifier.polling.poll_slot import PollResult, PollSlot
from notifier.schedule.job_history import JobHistory

_log = log.get()


class SnapshotKeeper(Protocol):
    """What a poller needs of the snapshot writer."""

    def keep(self, observation: Observation) -> None:
        """Store before long what an open watch last observed."""


class Publisher(Protocol):
    """What a poller needs of the outbox."""

    async def publish(self, ending: Ending) -> None:
        """Make the ending's event durable; raises StoreError."""


class Scheduler(Protocol):
    """What a poller needs of its gateway's scheduler."""

    def wait(self, slot: PollSlot) -> None:
        """Wake a slot when it is due and may ask; see `GatewayScheduler.wait`."""

    async def ask(self, slot: PollSlot) -> PollResult | None:
        """Return the answer for a woken slot; see `GatewayScheduler.ask`."""

    def stop_waiting(self, slot: PollSlot) -> None:
        """Wake a parked slot without an answer."""

    def leave(self, slot: PollSlot) -> None:
        """Forget a slot whose poller has ended."""


class PollerDeps(NamedTuple):
    """What all pollers depend on; `rules` returns how a gateway's watches are polled now."""

    snapshots: SnapshotKeeper
    publisher: Publisher
    rules: Callable[[str], PollRules]
    now: Callable[[], float]
    rng: Random
    history: JobHistory


class Poller(PollSlot):
    """Polls for one watch, through its gateway's `scheduler`."""

    __slots__ = (
        *("watch", "_scheduler", "_deps", "_memory", "_tracker"),
        *("_terminal", "_sample", "_outcome", "_stopped"),
    )

    def __init__(self, watch: Watch, scheduler: Scheduler, deps: PollerDeps) -> None:
        super().__init__(watch.key.video_id)
        self.watch = watch
        self._scheduler = scheduler
        self._deps = deps
        self._memory = WatchMemory(watch.snapshot, watch.missing_since, watch.missing_count)
        self._tracker = JobTracker(deps.history)
        self._terminal: TerminalState | None = None
        self._sample: JobSample | None = None
        self._outcome = ""
        self._stopped = False

    def stop(self) -> None:
        """Stop polling; the answer to a request in flight is discarded."""
        self._stopped = True
        self._scheduler.stop_waiting(self)

    def begin(self, delay: float) -> None:
        """Have the next `run` begin with a poll in `delay` seconds."""
        self.due = trio.current_time() + delay

    def begin_with(self, said: Seen) -> None:
        """Have the first `run` begin with what was said about the video, as if it had asked.

        A terminal status is asked about at once: only a poll ends a watch.
        """
        self.begin(0.0)
        if not said.snapshot.ended:
            self._apply(PollResult(said, self._deps.now()))

    async def run(self) -> None:
        """Poll until the watch has ended and its event is durable, or until `stop`.

        `begin` comes before. Raises StoreError when the store refuses the event: the poller may be
        run again.
        """
        if self._terminal is not None:
            # it ended in an earlier run, and the store refused: the first terminal word wins
            await trio.sleep_until(self.due)
        else:
            self._prepare()
        while self._is_open():
            self._scheduler.wait(self)
            asked = None
            while asked is None and self._is_open():
                await self.park()
                asked = await self._scheduler.ask(self)
            if asked is not None and self._is_open():
                self._apply(asked)
        if self._terminal is not None and not self._stopped:
            await self._publish(self._terminal)
        self._scheduler.leave(self)

    def _is_open(self) -> bool:
        return self._terminal is None and not self._stopped

    async def _publish(self, terminal: TerminalState) -> None:
        await self._deps.publisher.publish(
            Ending(self.watch, terminal.type, terminal.snapshot, terminal.reason, self._sample)
        )
        if self._sample is not None:
            self._tracker.learn(self._sample)

    @property
    def known(self) -> Snapshot | None:
        """The last snapshot of the video."""
        return self._memory.snapshot

    @property
    def expected_end(self) -> float | None:
        """When the job will probably end (`Clock.now`), None while nothing suggests it."""
        return self._tracker.expected_end

    def accept(self, answer: Answer, at: float, now: float, *, counts: bool) -> bool:
        """Apply at once an answer by which the job just goes on; see `PollSlot.accept`."""
        rules = self._deps.rules(self.watch.spec.key.gateway)
        self.deadline = rules.deadline(self.watch)
        if self._stopped or self._outcome != SEEN or at >= self.deadline or log.wants("debug"):
            return False
        before = self._memory
        after = before.after_confirmation(answer)
        if after is None:
            return False
        if after is not before:
            self._memory = after
            self._keep(before)
        self._go_on(answer, at, now, rules, counts=counts)
        return True

    def _prepare(self) -> None:
        """Set what the first wait of a run needs besides `due`."""
        rules = self._deps.rules(self.watch.key.gateway)
        self.deadline = rules.deadline(self.watch)
        self.earliest = min(self.due, trio.current_time() + rules.pace.min_poll_interval)

    def _apply(self, asked: PollResult) -> None:
        """Apply an answer: the watch ends, or waits for the next poll."""
        before = self._memory
        self._terminal = self._decide(asked)
        self._report(asked, before)
        if self._terminal is None:
            self._keep(before)

    def _keep(self, before: WatchMemory) -> None:
        """Have what is known stored, if it has changed enough."""
        memory = self._memory
        if memory.is_to_be_stored_after(before):
            row, fence = self.watch.row, self.watch.fence
            self._deps.snapshots.keep(Observation(row, *memory[:3], fence))

    def _decide(self, asked: PollResult) -> TerminalState | None:
        """Remember an answer, and return the terminal state that it means, if any."""
        # read the rules again: the watch may have been listed anew while this one waited
        watch, now = self.watch, self._deps.now()
        rules = self._deps.rules(watch.key.gateway)
        self.deadline = rules.deadline(watch)
        self._memory = self._memory.after(asked.answer, now)
        terminal = terminal_state(
            self._memory,
            asked.answer,
            watch,
            rules,
            asked_at=asked.at,
            now=now,
            single=asked.single,
        )
        if terminal is None:
            counts = asked.was_due
            self._go_on(asked.answer, asked.at, trio.current_time(), rules, counts=counts)
            return None
        self._sample = self._tracker.sample(watch, terminal.snapshot, rules.pace, asked.at)
        return terminal

    def _go_on(
        self, answer: Answer, at: float, now: float, rules: PollRules, *, counts: bool
    ) -> None:
        """Note how the job goes on, and set when to poll again; `now` is trio's clock."""
        running, usual = self._memory.snapshot, None
        if isinstance(answer, Seen) and running is not None:
            self._tracker.note(self.watch, running, at, counts=counts)
            usual = self._tracker.gap(self.watch, running, rules.pace, self._deps.rng)
        delay, earliest = next_poll(
            self._memory,
            answer,
            rules,
            usual,
            deadline=self.deadline,
            now=self._deps.now(),
            rng=self._deps.rng,
        )
        self.due, self.earliest = now + delay, now + earliest

    def _report(self, asked: PollResult, before: WatchMemory) -> None:
        """Log the poll: at `info` or `warning` when it changed something, else at `debug`."""
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
            "duration_ms": round((self._deps.now() - asked.at) * 1000),
        }
        match answer:
            case Seen():
                fields["status"] = answer.snapshot.word
                fields["progress"] = answer.snapshot.progress
            case PollError():
                fields |= {"detail": answer.detail, "hint": answer.hint}
            case _:
                fields["detail"] = answer.detail
        fields = {name: value for name, value in fields.items() if value not in {None, ""}}
        say = _log.info if isinstance(answer, Seen) else _log.warning
        (say if changed else _log.debug)("poll", **fields)


def _word(memory: WatchMemory) -> str:
    return "" if memory.snapshot is None else memory.snapshot.word
