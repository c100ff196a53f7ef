"""A poller's seat at its gateway's desk: where its task is parked until there is news for it.

Waiting is what pollers do nearly all the time, and there may be 100,000 of them. A parked task
costs about half of one that sleeps by itself, and waking it costs a fifth.
"""

import math
from typing import Any

import trio


class Seat:
    """Waits for one video.

    All times are trio's clock: `due` is when its poller wants to ask, `soonest` when an answer
    that comes along without a request of its own is welcome. `deadline` (`Clock.now`) is when
    the watch is to be given up. `listed` is the entry that the timetable has for it.
    """

    __slots__ = ("_word", "deadline", "due", "listed", "soonest", "task", "video_id")

    def __init__(self, video_id: str) -> None:
        self.video_id = video_id
        self.due = self.soonest = self.deadline = self.listed = math.inf
        self.task: trio.lowlevel.Task | None = None
        self._word: object = None

    async def park(self) -> Any:  # noqa: ANN401 - the desk and nobody else wakes it
        """Wait to be woken and return the word that it was woken with."""
        self.task = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._leave)
        word, self._word = self._word, None
        return word

    def wake(self, word: object) -> None:
        """Let a task that is parked go on with `word`; does nothing when none is."""
        task, self.task = self.task, None
        if task is not None:
            self._word = word
            trio.lowlevel.reschedule(task)

    def _leave(self, _raise_cancel: object) -> trio.lowlevel.Abort:
        self.task = None
        return trio.lowlevel.Abort.SUCCEEDED
