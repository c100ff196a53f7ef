"""What a parked poller is to its scheduler: a slot for its task, its times and its answer.

Pollers wait nearly all the time, and there may be 100,000 of them. A parked task costs about half
of one that sleeps by itself, and waking it costs a fifth.
"""

import math
from collections.abc import Awaitable, Callable, Generator
from typing import Any, NamedTuple, NoReturn, Self

import trio

from notifier.model.answer import Answer, Seen, outcome_text
from notifier.model.condition import LastPoll
from notifier.model.video import Snapshot


class PollResult(NamedTuple):
    """An answer, and when (`Clock.now`) its request was made.

    `was_due` is False for a piggybacked answer: one on a page that another slot's request
    brought, before this slot was due. `single` is False for any answer on a page.
    """

    answer: Answer
    at: float
    was_due: bool = True
    single: bool = True


class _Reschedule:
    """Awaits `trio.lowlevel.wait_task_rescheduled` without keeping its frames.

    A parked task would keep a coroutine and a generator that have nothing left to do but unwrap
    the outcome that trio resumes it with. They are a tenth of the memory of a watch. So trio gets
    what that coroutine yields, the coroutine is closed, and the outcome is unwrapped here.
    """

    __slots__ = ("_abort",)

    def __init__(self, abort: Callable[[Callable[[], NoReturn]], trio.lowlevel.Abort]) -> None:
        self._abort = abort

    def __await__(self) -> Generator[object, Any, object]:
        return self  # type: ignore[return-value] # of a generator, `await` needs these methods

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> object:
        waiting = trio.lowlevel.wait_task_rescheduled(self._abort)  # noqa: ASYNC105 - see above
        request = waiting.send(None)
        waiting.close()
        return request

    def send(self, outcome: Any) -> NoReturn:  # noqa: ANN401 - trio exports no type for it
        """End the wait with the outcome of the rescheduling; raises `Cancelled` if that is it."""
        raise StopIteration(outcome.unwrap())


class PollSlot:
    """The slot of one video.

    On trio's clock: `due` is when its poller wants to ask, `earliest` from when on a piggybacked
    answer is accepted. `wheel_tick` is the tick of its entry in the timer wheel.

    By `Clock.now`: `deadline` is when the watch is given up, `asked_at` when the last request was
    made that brought an answer about this video, `single_at` the same for single requests (or for
    the first page, if that was earlier), and `refused_at` for a single request if its answer was a
    refusal.

    `task` is parked here; it is `held` instead while the scheduler asks on its behalf.

    `single_only` says that the next answer must come from a single request, `listed_as_ended` that
    a page once said that the video has ended, `not_found` that the last single answer was
    `NotFound`. `listed` is the snapshot of the last answer if that was on a page. `accepted` says
    that the present key was good for this video before. `last_error` is the last outcome in
    words, "" when the video was seen.
    """

    __slots__ = (
        *("video_id", "due", "earliest", "deadline", "wheel_tick", "task", "held", "wake_value"),
        *("single_only", "not_found", "listed_as_ended", "listed", "accepted"),
        *("asked_at", "single_at", "refused_at", "last_error"),
    )

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self.due = self.earliest = self.deadline = self.wheel_tick = math.inf
        self.task: trio.lowlevel.Task | None = None
        self.held: trio.lowlevel.Task | None = None
        self.wake_value: object = None
        self.single_only = self.not_found = self.listed_as_ended = self.accepted = False
        self.listed: Snapshot | None = None
        self.asked_at = self.single_at = self.refused_at = -math.inf
        self.last_error = ""

    @property
    def known(self) -> Snapshot | None:
        """The last snapshot; a parser may return this very object for an equal answer."""
        return None

    def last_poll(self) -> LastPoll | None:
        """Return when the video was last asked about with what outcome, None if it never was."""
        if not math.isfinite(self.asked_at):
            return None
        seen = self.known
        outcome = self.last_error or ("" if seen is None else outcome_text(Seen(seen)))
        return LastPoll(self.asked_at, outcome)

    def accept(self, answer: Answer, at: float, now: float, *, counts: bool) -> bool:  # noqa: ARG002 - for subclasses
        """Apply an answer without waking the task: set `due` and `earliest` anew.

        `at` and `counts` are `at` and `was_due` of a `PollResult`, `now` is trio's clock.
        False if the answer needs the task: then the task is woken with it, as after a request of
        its own.
        """
        return False

    def park(self) -> Awaitable[object]:
        """Wait until `wake` is called; its value is then in `wake_value`."""
        self.task = trio.lowlevel.current_task()
        return _Reschedule(self._leave)

    def wake(self, value: object) -> None:
        """Resume the parked task with `value`; does nothing when none is parked."""
        task, self.task = self.task, None
        if task is not None:
            self.wake_value = value
            trio.lowlevel.reschedule(task)

    def hold(self) -> None:
        """Keep the task parked while the scheduler asks on its behalf; nothing else asks now."""
        self.held, self.task = self.task, None

    def release(self) -> bool:
        """Have the task parked as before; return False if it was cancelled meanwhile."""
        if self.held is None:
            return False
        self.task, self.held = self.held, None
        return True

    def _leave(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self.task = self.held = None
        return trio.lowlevel.Abort.SUCCEEDED
