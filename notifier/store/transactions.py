"""Runs SQL functions as transactions in the store's thread, and queries beside them."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import trio

from notifier.metrics import Metrics
from notifier.store.connection import Connection
from notifier.store.engine import Engine
from notifier.store.executor import Executor, ThreadExecutor
from notifier.store.group_commit import GroupCommit
from notifier.store.operation import BulkOperation, Operation

P = ParamSpec("P")
A = TypeVar("A")
T = TypeVar("T")


class Transactions:
    """Runs SQL functions; each raises StoreError when the disk or the file refuses it.

    Changes go to the one writing connection. Queries for people and metrics go to a connection
    of their own, which sees every commit and waits for none.
    """

    def __init__(
        self,
        database: Engine,
        executor: Executor,
        now: Callable[[], float],
        metrics: Metrics | None = None,
    ) -> None:
        self._database = database
        self._executor = executor
        self._group = GroupCommit(database, executor)
        self._reads = ThreadExecutor() if database.has_reader else executor
        self._now = now
        self._metrics = metrics or Metrics()
        self.answered_at = -math.inf
        """When an operation last ended, failures included (trio's clock); queries do not count."""

    async def _transact(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a short change; it may share its commit with others."""
        operation = Operation(partial(_apply, function, args, kwargs), writes=True, is_long=False)
        return cast("T", await self._run(operation))

    async def _transact_bulk(
        self, bulk: Callable[[Connection, Sequence[A]], Sequence[T]], argument: A, /
    ) -> T:
        """Run a short change, in the same statements as others of its kind."""
        return cast("T", await self._run(BulkOperation(bulk, argument)))

    async def _transact_long(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a change of many rows, in a transaction of its own."""
        operation = Operation(partial(_apply, function, args, kwargs), writes=True, is_long=True)
        return cast("T", await self._run(operation))

    async def _read(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a query, in a read transaction of its own: no commit waits for it to be synced."""
        operation = Operation(partial(_apply, function, args, kwargs), writes=False, is_long=True)
        return cast("T", await self._run(operation))

    async def _query(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a query beside the commits: it may take long and holds none of them up."""
        work = partial(_apply, function, args, kwargs)
        return cast("T", await self._reads.run(self._database.query, work))

    async def _run(self, operation: Operation) -> Any:  # noqa: ANN401 - whatever the work returns
        began = trio.current_time()
        await self._group.run(operation)
        self.answered_at = trio.current_time()
        result = operation.result()
        if operation.writes:
            self._metrics.commit(self.answered_at - began)
        return result


def _apply(
    function: Callable[..., T],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    db: Connection,
) -> T:
    return function(db, *args, **kwargs)
