"""Group commit: calls that come while the store is at work share its next transaction.

A lone call is not delayed: it begins as soon as those who are ready to run had their turn, and
may have called as well. What comes meanwhile waits, and is then done in one go, in the order in
which it came: one hop to the store's thread, one sync of the disk. The first of those that
waited does it for all of them, so no task is needed for this alone.
"""

from collections import deque

import trio

from notifier.store.database import Database
from notifier.store.executor import Executor
from notifier.store.operation import Operation

MOST_CALLS = 128
"""The most calls that share a transaction: the first of them waits for the last."""


class GroupCommit:
    """Has the calls of many tasks done, in as few transactions as can be."""

    def __init__(self, database: Database, executor: Executor) -> None:
        self._database = database
        self._executor = executor
        self._queue: deque[Operation] = deque()
        self._tasks: dict[Operation, trio.lowlevel.Task] = {}
        self._busy = False

    async def run(self, call: Operation) -> None:
        """Return when `call` is over; its outcome is in it.

        A caller that is cancelled before its call has begun takes it back; one whose call has
        begun waits for its end.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._queue.append(call)
        if self._busy:
            await self._wait(call)
        if not call.is_over:
            await self._lead()

    async def _wait(self, call: Operation) -> None:
        """Wait until `call` is over, or the first in the queue."""

        def give_up(_: object) -> trio.lowlevel.Abort:
            if call not in self._queue:  # it has begun
                return trio.lowlevel.Abort.FAILED
            self._queue.remove(call)
            del self._tasks[call]
            return trio.lowlevel.Abort.SUCCEEDED

        self._tasks[call] = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(give_up)

    async def _lead(self) -> None:
        """Do what is first in the queue, then wake whose calls it was, and who is next."""
        self._busy = True
        # who is ready to run at this moment gets to call, too
        await trio.lowlevel.cancel_shielded_checkpoint()
        batch = self._batch()
        try:
            # others rely on it: it is not given up because the one who does it is
            with trio.CancelScope(shield=True):
                await self._executor.run(self._database.transact_all, batch)
        except BaseException as error:  # noqa: BLE001 - raised to each of those who called
            for call in batch:
                call.fail(error)
        for call in batch:
            self._wake(call)
        self._busy = bool(self._queue)
        if self._queue:
            self._wake(self._queue[0])

    def _batch(self) -> list[Operation]:
        """Take what shares the next transaction: what may be long is alone in its own."""
        batch = [self._queue.popleft()]
        while (
            self._queue
            and len(batch) < MOST_CALLS
            and not (batch[0].is_long or self._queue[0].is_long)
        ):
            batch.append(self._queue.popleft())
        return batch

    def _wake(self, call: Operation) -> None:
        task = self._tasks.pop(call, None)
        if task is not None:
            trio.lowlevel.reschedule(task)
