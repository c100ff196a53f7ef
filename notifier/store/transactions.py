"""Runs SQL functions as transactions in the store's threads, and queries beside them."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar, cast
from zlib import crc32

from notifier.metrics import Metrics
from notifier.store.channel import Channel, applied
from notifier.store.connection import Connection
from notifier.store.engine import Engine, TransactAll
from notifier.store.executor import Executor, ThreadExecutor

P = ParamSpec("P")
T = TypeVar("T")


class Transactions:
    """Runs SQL functions; each raises StoreError when the disk or the file refuses it.

    Changes go to the channel that they are for, see `channel`. Queries for people and metrics go
    to a connection of their own, which sees every commit and waits for none.
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
        self._now = now
        self._metrics = metrics or Metrics()
        self._reads = ThreadExecutor() if database.has_reader else executor
        writers = database.writers
        channels: dict[TransactAll, Channel] = {}
        for writer in (writers.changes, *writers.deliveries, *writers.endings, writers.leases):
            if writer not in channels:
                own = executor.another() if channels else executor
                channels[writer] = Channel(writer, own, self._metrics)
        self._changes = channels[writers.changes]
        self._leases = channels[writers.leases]
        self._of_lanes = [channels[writer] for writer in writers.deliveries]
        self._of_endings = [channels[writer] for writer in writers.endings]
        self._transact = self._changes.transact
        self._transact_long = self._changes.transact_long
        self._read = self._changes.read

    @property
    def answered_at(self) -> float:
        """When a change last ended, failures included (trio's clock); queries do not count."""
        return self._changes.answered_at

    def _lane(self, endpoint: str) -> Channel:
        """Return the channel of what the lane of `endpoint` does."""
        return self._of_lanes[crc32(endpoint.encode()) % len(self._of_lanes)]

    def _ending(self, watch: int) -> Channel:
        """Return the channel of a watch's ending."""
        return self._of_endings[watch % len(self._of_endings)]

    async def _query(
        self,
        function: Callable[Concatenate[Connection, P], T],
        /,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a query beside the commits: it may take long and holds none of them up."""
        work = applied(function, *args, **kwargs)
        return cast("T", await self._reads.run(self._database.query, work))
