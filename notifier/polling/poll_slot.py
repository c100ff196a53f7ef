"""A poller's seat at its gateway's desk: where its task is parked until there is news for it.

Waiting is what pollers do nearly all the time, and there may be 100,000 of them. A parked task
costs about half of one that sleeps by itself, and waking it costs a fifth.
"""

import math
from collections.abc import Awaitable
from typing import NamedTuple

import trio

from notifier.model.answer import Answer
from notifier.model.video import Snapshot


class PollResult(NamedTuple):
    """An answer, and when (`Clock.now`) the request that it answers was made.

    `was_due` is False for one that came along with somebody else's.
    """

    answer: Answer
    at: float
    was_due: bool = True


class PollSlot:
    """Waits for one video.

    All times are trio's clock: `due` is when its poller wants to ask, `earliest` when an answer
    that another request brought is welcome. `deadline` (`Clock.now`) is when the watch is given
    up. `wheel_tick` is the tick of its entry in the timer wheel. `single_only` tells that no page
    of a list will do for the next answer, `listed_as_ended` that a page once said that the video
    has ended, `not_found` that the last single answer said that there is no such video.
    """

    __slots__ = (
        *("video_id", "due", "earliest", "deadline", "wheel_tick", "task", "wake_value"),
        *("single_only", "not_found", "listed_as_ended"),
    )

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self.due = self.earliest = self.deadline = self.wheel_tick = math.inf
        self.task: trio.lowlevel.Task | None = None
        self.single_only = self.not_found = self.listed_as_ended = False
        self.wake_value: object = None

    @property
    def known(self) -> Snapshot | None:
        """What is known about the video; an answer that says the same may be this very object."""
        return None

    def accept_listed(self, asked: PollResult, now: float) -> bool:  # noqa: ARG002 - for subclasses
        """Take in `now` an answer that came along, set `due` and `earliest`, and go on waiting.

        False if it is nothing that can be dealt with on the spot: then its task will be woken
        with it, as after one of its own requests.
        """
        return False

    def park(self) -> Awaitable[object]:
        """Wait to be woken; then `wake_value` is what it was woken with."""
        self.task = trio.lowlevel.current_task()
        return trio.lowlevel.wait_task_rescheduled(self._leave)  # noqa: ASYNC105 - by the caller

    def wake(self, word: object) -> None:
        """Let a task that is parked go on with `wake_value`; does nothing when none is."""
        task, self.task = self.task, None
        if task is not None:
            self.wake_value = word
            trio.lowlevel.reschedule(task)

    def _leave(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self.task = None
        return trio.lowlevel.Abort.SUCCEEDED
