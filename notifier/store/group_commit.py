"""Group commit: operations that arrive during a transaction share the next one.

A single operation is not delayed: it begins after one checkpoint, in which other tasks that are
ready may add theirs. Operations that arrive during a transaction are queued and then run in one
batch, in order of arrival: one hop to the store's thread, one sync of the disk. The task of the
first queued operation runs the batch, so no task exists for this alone.
"""

from collections import deque

import trio

from notifier.store.engine import TransactAll
from notifier.store.executor import Executor
from notifier.store.operation import Operation

MOST_OPERATIONS = 128
"""The most operations that share a transaction: the first waits for the last."""


class GroupCommit:
    """Runs the operations of many tasks in few transactions, with `transact_all`."""

    def __init__(self, transact_all: TransactAll, executor: Executor) -> None:
        self._transact_all = transact_all
        self._executor = executor
        self._queue: deque[Operation] = deque()
        self._tasks: dict[Operation, trio.lowlevel.Task] = {}
        self._busy = False

    async def run(self, operation: Operation) -> None:
        """Return when `operation` is over; its outcome is in it.

        A task that is cancelled before its operation has begun withdraws it. Once the operation
        has begun, the task waits for its end.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._queue.append(operation)
        if self._busy:
            await self._wait(operation)
        if not operation.is_over:
            await self._lead()

    async def _wait(self, operation: Operation) -> None:
        """Wait until `operation` is over, or the first in the queue."""

        def give_up(_: object) -> trio.lowlevel.Abort:
            if operation not in self._queue:  # it has begun
                return trio.lowlevel.Abort.FAILED
            self._queue.remove(operation)
            del self._tasks[operation]
            return trio.lowlevel.Abort.SUCCEEDED

        self._tasks[operation] = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(give_up)

    async def _lead(self) -> None:
        """Run the first batch of the queue, then wake its tasks and the next batch's first."""
        self._busy = True
        # other tasks that are ready now get to add their operations
        await trio.lowlevel.cancel_shielded_checkpoint()
        batch = self._batch()
        try:
            # it belongs to other tasks, too: it goes on when the task that runs it is cancelled
            with trio.CancelScope(shield=True):
                await self._executor.run(self._transact_all, batch)
        except BaseException as error:  # noqa: BLE001 - raised in each task of the batch
            for operation in batch:
                operation.fail(error)
        for operation in batch:
            self._wake(operation)
        self._busy = bool(self._queue)
        if self._queue:
            self._wake(self._queue[0])

    def _batch(self) -> list[Operation]:
        """Take the operations of the next transaction; a long one is alone in its own."""
        batch = [self._queue.popleft()]
        while (
            self._queue
            and len(batch) < MOST_OPERATIONS
            and not (batch[0].is_long or self._queue[0].is_long)
        ):
            batch.append(self._queue.popleft())
        return batch

    def _wake(self, operation: Operation) -> None:
        task = self._tasks.pop(operation, None)
        if task is not None:
            trio.lowlevel.reschedule(task)
