"""What an answer means for a watch: ended, or asked again after a while.

Pure: the memory of a watch and an answer go in, a new memory and a step come out. The rules
are few. Only the gateway's own terminal word ends a watch as completed, failed or cancelled.
"No such video" ends it as lost when it was said at least three times in an unbroken run that
lasted the grace. `give_up_after` ends it as timed out, but only after a poll that was made when
it had passed: a daemon that was off for a day asks once before it gives up. Errors end nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import NamedTuple

from notifier.model.answer import Answer, Missing, Seen
from notifier.model.event import TYPE_OF_STATUS, EventType
from notifier.model.video import Snapshot
from notifier.schedule.backoff import clamped, growing, jittered
from notifier.schedule.pace import Pace

LONGEST_WAIT = 600.0
"""The longest that a gateway's own hint puts a poll off, in seconds."""

LONGEST_BACKOFF = 300.0
"""The longest wait after errors, in seconds, unless `poll_interval` is longer."""

_WELCOME = 1 / 2
"""After this part of the wait an answer that comes along is welcome; sooner it would tell little,
and later those who are on one page would go on waiting for it at different times."""

FEWEST_MISSING = 3
"""How often in a row a gateway has to deny a video before it is lost."""


class WatchRules(NamedTuple):
    """How one watch is polled; all in seconds. `deadline` is Unix time by `Clock.now`."""

    poll_interval: float
    min_poll_interval: float
    not_found_grace: float
    deadline: float

    @property
    def pace(self) -> Pace:
        """The intervals, as the schedule wants them."""
        return _pace(self.poll_interval, self.min_poll_interval)


_pace = lru_cache(maxsize=64)(Pace)


class Memory(NamedTuple):
    """What a watch remembers between two answers; see `notifier.model.watch.Watch`."""

    snapshot: Snapshot | None = None
    missing_since: float | None = None
    missing_count: int = 0
    failures: int = 0


class Again(NamedTuple):
    """Ask again in `delay` seconds; an answer that comes along is welcome after `at_least`."""

    delay: float
    at_least: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The watch is over, as `type`, for `reason`."""

    type: EventType
    snapshot: Snapshot
    reason: str


def consider(  # noqa: PLR0913 - these are what a decision rests on
    memory: Memory,
    answer: Answer,
    video_id: str,
    rules: WatchRules,
    *,
    asked_at: float,
    now: float,
    rng: Random,
    usual: Callable[[Snapshot], float],
) -> tuple[Memory, Again | Finish]:
    """Take an answer in and say what to do next.

    `asked_at` and `now` are when the request was made and when its answer was there, both by
    `Clock.now`. `usual` takes note of a job that was seen running, and returns in how many
    seconds to ask about it again if nothing stands against it.
    """
    memory = _remember(memory, answer, now)
    finish = _ending(memory, answer, video_id, rules, asked_at, now)
    if finish is not None:
        return memory, finish
    if isinstance(answer, Seen) and memory.snapshot is not None:
        delay = usual(memory.snapshot)
    else:
        delay = jittered(rules.poll_interval, rng)
    delay = _bounded(delay, memory, answer, rules, now, rng)
    if not isinstance(answer, Seen) or answer.wait is not None:
        return memory, Again(delay, delay)
    return memory, Again(delay, max(_WELCOME * delay, rules.min_poll_interval))


def _remember(memory: Memory, answer: Answer, now: float) -> Memory:
    match answer:
        case Seen():
            return Memory(snapshot=answer.snapshot.after(memory.snapshot))
        case Missing():
            since = now if memory.missing_since is None else memory.missing_since
            return memory._replace(
                missing_since=since, missing_count=memory.missing_count + 1, failures=0
            )
        case _:
            # trouble neither counts towards "lost" nor breaks a run of "no such video"
            return memory._replace(failures=memory.failures + 1)


def _ending(
    memory: Memory,
    answer: Answer,
    video_id: str,
    rules: WatchRules,
    asked_at: float,
    now: float,
) -> Finish | None:
    known = memory.snapshot or Snapshot(id=video_id, status=None)
    if isinstance(answer, Seen) and known.status is not None and known.ended:
        return Finish(TYPE_OF_STATUS[known.status], known, f"the gateway said {known.word!r}")
    if isinstance(answer, Missing) and memory.missing_since is not None:
        run = now - memory.missing_since
        if memory.missing_count >= FEWEST_MISSING and run >= rules.not_found_grace:
            times = f"{memory.missing_count} times in {run:.0f} s"
            return Finish(EventType.LOST, known, f"the gateway denied the video {times}")
    if asked_at >= rules.deadline:
        return Finish(EventType.TIMED_OUT, known, "no terminal status within give_up_after")
    return None


def _bounded(
    delay: float, memory: Memory, answer: Answer, rules: WatchRules, now: float, rng: Random
) -> float:
    """Return `delay`, or what the gateway's hints, errors and the watch's deadlines make of it."""
    if answer.wait is not None:
        # later than asked for, never sooner
        wait = clamped(answer.wait, rules.min_poll_interval, LONGEST_WAIT)
        delay = min(wait * rng.uniform(1, 1.1), LONGEST_WAIT)
    elif memory.failures:
        ceiling = max(LONGEST_BACKOFF, rules.poll_interval)
        delay = jittered(growing(rules.poll_interval, memory.failures, ceiling), rng)
    latest = rules.deadline - now
    if isinstance(answer, Missing) and memory.missing_since is not None:
        latest = min(latest, memory.missing_since + rules.not_found_grace - now)
    return max(min(delay, max(latest, 0)), rules.min_poll_interval)
