"""The life cycle of a watch: what an answer means for it, a terminal state or another poll.

Pure functions: the memory of a watch and an answer go in, a new memory and a step come out. The
rules are few. Only the gateway's own terminal word ends a watch as completed, failed or
cancelled. Not-found answers end it as lost when at least three came in an unbroken run that
lasted the grace. `give_up_after` ends it as timed out, but only after a request about this video
alone that was made when it had passed: a daemon that was off for a day polls once before it gives
up, and a list that lags ends nothing. Errors end nothing.
"""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from notifier.model.answer import Answer, NotFound, Seen
from notifier.model.event import TYPE_OF_STATUS, EventType
from notifier.model.video import Snapshot
from notifier.model.watch import Watch
from notifier.schedule.backoff import clamped, growing, jittered
from notifier.schedule.poll_intervals import PollIntervals

LONGEST_WAIT = 600.0
"""The longest wait that a gateway's own hint is granted, in seconds."""

LONGEST_BACKOFF = 300.0
"""The longest wait after errors, in seconds, unless `poll_interval` is longer."""

_EARLY = 1 / 2
"""After this part of the wait a piggybacked answer is accepted. Sooner it would say little; later,
videos on one page would stay out of step and need a page each."""

FEWEST_MISSING = 3
"""How many not-found answers in a row make a video lost."""


class PollRules(NamedTuple):
    """How the watches of one gateway are polled, the same for all of them; all in seconds.

    A watch may have a `give_up_after` of its own instead.
    """

    pace: PollIntervals
    not_found_grace: float
    give_up_after: float

    def deadline(self, watch: Watch) -> float:
        """Return when a watch is given up (`Clock.now`)."""
        return watch.taken_at + (watch.spec.give_up_after or self.give_up_after)


class WatchMemory(NamedTuple):
    """What is known of a watch between two answers; see `notifier.model.watch.Watch`."""

    snapshot: Snapshot | None = None
    missing_since: float | None = None
    missing_count: int = 0
    failures: int = 0

    def is_to_be_stored_after(self, before: "WatchMemory") -> bool:
        """Return whether it has changed enough to be stored at once: of progress, ten percent."""
        if self is before:
            return False
        missing = self[1:3] != before[1:3]
        return missing or _lasting(self.snapshot) != _lasting(before.snapshot)

    def after_confirmation(self, answer: Answer) -> "WatchMemory | None":
        """Return the memory after an answer that only repeats that the job runs.

        Its status word is the same as before. None for any other answer.
        """
        known = self.snapshot
        if known is None or self.missing_count or self.failures or not isinstance(answer, Seen):
            return None
        seen = answer.snapshot
        if seen is known:
            return self
        if seen.word != known.word or seen.ended:
            return None
        return WatchMemory(seen.after(known))

    def after(self, answer: Answer, now: float) -> "WatchMemory":
        """Return the memory after an answer that arrived `now` (`Clock.now`)."""
        match answer:
            case Seen():
                seen = answer.snapshot
                if seen is self.snapshot and not (self.missing_count or self.failures):
                    return self
                return WatchMemory(seen.after(self.snapshot))
            case NotFound():
                since = now if self.missing_since is None else self.missing_since
                count = self.missing_count + 1
                return self._replace(missing_since=since, missing_count=count, failures=0)
            case _:
                # an error neither counts towards "lost" nor breaks a run of not-found answers
                return self._replace(failures=self.failures + 1)


def _lasting(seen: Snapshot | None) -> tuple[object, ...]:
    if seen is None:
        return ()
    tenths = (seen.progress or 0) // 10
    return seen.word, tenths, seen.model, seen.created_at, seen.seconds, seen.size


@dataclass(frozen=True, slots=True)
class TerminalState:
    """The end of a watch: its event type, the last snapshot, and the reason in words."""

    type: EventType
    snapshot: Snapshot
    reason: str


def terminal_state(
    memory: WatchMemory,
    answer: Answer,
    watch: Watch,
    rules: PollRules,
    *,
    asked_at: float,
    now: float,
    single: bool = True,
) -> TerminalState | None:
    """Return the terminal state of a watch, None if it goes on.

    `memory` already includes `answer`. `asked_at` and `now` are when the request was made and
    when its answer arrived, both by `Clock.now`. `single` is False for an answer on a list page.
    """
    known = memory.snapshot or Snapshot(id=watch.key.video_id, status=None)
    if isinstance(answer, Seen) and known.status is not None and known.ended:
        return TerminalState(
            TYPE_OF_STATUS[known.status], known, f"the gateway said {known.word!r}"
        )
    if isinstance(answer, NotFound) and memory.missing_since is not None:
        run = now - memory.missing_since
        if memory.missing_count >= FEWEST_MISSING and run >= rules.not_found_grace:
            times = f"{memory.missing_count} times in {run:.0f} s"
            return TerminalState(
                EventType.LOST, known, f"the gateway did not find the video {times}"
            )
    if single and asked_at >= rules.deadline(watch):
        return TerminalState(EventType.TIMED_OUT, known, "no terminal status within give_up_after")
    return None


def next_poll(
    memory: WatchMemory,
    answer: Answer,
    rules: PollRules,
    usual: float | None,
    *,
    deadline: float,
    now: float,
    rng: Random,
) -> tuple[float, float]:
    """Return in how many seconds to poll again, and after how many a piggybacked answer counts.

    The poll follows in `usual` seconds (`poll_interval` if None), within bounds: the gateway's
    hints, errors and the watch's own deadlines take precedence. `deadline` is when the watch is
    given up, `now` when the answer arrived (`Clock.now`).
    """
    pace, latest = rules.pace, deadline - now
    plain = isinstance(answer, Seen) and answer.wait is None
    delay = jittered(pace.poll_interval, rng) if usual is None else usual
    if not plain or delay > latest:
        delay = _bounded(delay, latest, memory, answer, rules, now=now, rng=rng)
    least = pace.min_poll_interval
    if delay <= least:
        return least, least
    early = _EARLY * delay if plain else delay
    return (delay, early) if early > least else (delay, least)


def _bounded(
    delay: float,
    latest: float,
    memory: WatchMemory,
    answer: Answer,
    rules: PollRules,
    *,
    now: float,
    rng: Random,
) -> float:
    """Return `delay`, changed by the gateway's hints, errors and the watch's deadlines.

    `latest` is in how many seconds the watch is given up.
    """
    pace = rules.pace
    if answer.wait is not None:
        # jitter only upwards: never sooner than the gateway asked for
        wait = clamped(answer.wait, pace.min_poll_interval, LONGEST_WAIT)
        delay = min(wait * rng.uniform(1, 1.1), LONGEST_WAIT)
    elif memory.failures:
        ceiling = max(LONGEST_BACKOFF, pace.poll_interval)
        delay = jittered(growing(pace.poll_interval, memory.failures, ceiling), rng)
    if isinstance(answer, NotFound) and memory.missing_since is not None:
        latest = min(latest, memory.missing_since + rules.not_found_grace - now)
    return min(delay, max(latest, 0))
