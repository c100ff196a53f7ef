"""One of the ways on which operations reach the store: those of one channel keep their order.

A file has one channel, PostgreSQL several, each with a connection and a thread of its own, so that
a heartbeat does not wait for a batch of deliveries, nor these for endings. Operations on different
channels may be committed in any order, and at the same time. What needs an order keeps it so:

- The claims, attempts and releases of one lane are on one channel, whichever lane it is.
- A lane is handed a delivery, or woken, after `record_ending` has returned, which is after the
  commit: the claim or attempt that follows, on another connection, sees it.
- The observations of a watch change it only while it is open, so they may come after its ending.
- A lease is shared by each fenced write until its commit, and locked by who takes or frees it: one
  waits for the other on the row, and a later write finds the ownership over. Transactions that
  lock several leases do so in the order of their names.
- The host names of callbacks are locked by lanes and by endings in one order. A claim takes those
  that nobody has locked, after all in its transaction that waits for one.
- What changes deliveries for operators (resend, enable, cancel) meets the lanes on the rows: each
  statement looks at them again once it has the lock. Instances meet in the same way.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import trio

from notifier.metrics import Metrics
from notifier.store.connection import Connection
from notifier.store.engine import TransactAll
from notifier.store.executor import Executor
from notifier.store.group_commit import GroupCommit
from notifier.store.operation import BulkOperation, Operation

P = ParamSpec("P")
A = TypeVar("A")
T = TypeVar("T")


class Channel:
    """Runs SQL functions in transactions; each raises StoreError when the store refuses it."""

    def __init__(self, transact_all: TransactAll, executor: Executor, metrics: Metrics) -> None:
        self._group = GroupCommit(transact_all, executor)
        self._metrics = metrics
        self.answered_at = -math.inf
        """When an operation last ended, failures included (trio's clock)."""

    async def transact(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a short change; it may share its commit with others."""
        return await self.transact_in_order((), function, *args, **kwargs)

    async def transact_in_order(
        self,
        order: Sequence[str],
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a short change at its place among those that share its commit (`Operation`)."""
        work = applied(function, *args, **kwargs)
        operation = Operation(work, writes=True, is_long=False, order=order)
        return cast("T", await self._run(operation))

    async def transact_bulk(
        self, bulk: Callable[[Connection, Sequence[A]], Sequence[T]], argument: A, /
    ) -> T:
        """Run a short change, in the same statements as others of its kind."""
        return cast("T", await self._run(BulkOperation(bulk, argument)))

    async def transact_long(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a change of many rows, in a transaction of its own."""
        operation = Operation(applied(function, *args, **kwargs), writes=True, is_long=True)
        return cast("T", await self._run(operation))

    async def read(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a query, in a read transaction of its own: no commit waits for it to be synced."""
        operation = Operation(applied(function, *args, **kwargs), writes=False, is_long=True)
        return cast("T", await self._run(operation))

    async def _run(self, operation: Operation) -> Any:  # noqa: ANN401 - whatever the work returns
        began = trio.current_time()
        await self._group.run(operation)
        self.answered_at = trio.current_time()
        result = operation.result()
        if operation.writes:
            self._metrics.commit(self.answered_at - began)
        return result


def applied(
    function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
) -> Callable[[Connection], T]:
    """Return `function` with its arguments, wanting only the connection."""
    return partial(_apply, function, args, kwargs)


def _apply(
    function: Callable[..., T],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    db: Connection,
) -> T:
    return function(db, *args, **kwargs)
