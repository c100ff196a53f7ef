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


class Asked(NamedTuple):
    """An answer, and when (`Clock.now`) the request that it answers was made.

    `was_due` is False for one that came along with somebody else's.
    """

    answer: Answer
    at: float
    was_due: bool = True


class Seat:
    """Waits for one video.

    All times are trio's clock: `due` is when its poller wants to ask, `soonest` when an answer
    that comes along without a request of its own is welcome. `deadline` (`Clock.now`) is when
    the watch is to be given up. `listed` is the entry that the timetable has for it; `alone`
    says that no page of a list will do for the next answer, `told_ended` that a page said once
    that the video has ended, `denied` that the gateway, asked alone, last said that there is no
    such video.
    """

    __slots__ = (
        *("video_id", "due", "soonest", "deadline", "listed", "task", "word"),
        *("alone", "denied", "told_ended"),
    )

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self.due = self.soonest = self.deadline = self.listed = math.inf
        self.task: trio.lowlevel.Task | None = None
        self.alone = self.denied = self.told_ended = False
        self.word: object = None

    @property
    def known(self) -> Snapshot | None:
        """What is known about the video; an answer that says the same may be this very object."""
        return None

    def hear(self, asked: Asked, now: float) -> bool:  # noqa: ARG002 - for those who override it
        """Take in `now` an answer that came along, set `due` and `soonest`, and go on waiting.

        False if it is nothing that can be dealt with on the spot: then its task will be woken
        with it, as after one of its own requests.
        """
        return False

    def park(self) -> Awaitable[object]:
        """Wait to be woken; then `word` is what it was woken with."""
        self.task = trio.lowlevel.current_task()
        return trio.lowlevel.wait_task_rescheduled(self._leave)  # noqa: ASYNC105 - by the caller

    def wake(self, word: object) -> None:
        """Let a task that is parked go on with `word`; does nothing when none is."""
        task, self.task = self.task, None
        if task is not None:
            self.word = word
            trio.lowlevel.reschedule(task)

    def _leave(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self.task = None
        return trio.lowlevel.Abort.SUCCEEDED
