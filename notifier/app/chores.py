"""What one of several instances does for all: it removes what is over or belongs to nobody."""

from collections.abc import Callable, Collection

import trio

from notifier import log
from notifier.app.endpoints import report_cancelled
from notifier.app.retention import run_retention
from notifier.config import Config
from notifier.delivery.response_policy import longest_wait
from notifier.errors import StoreError
from notifier.store.shared_store import SharedStore

_LOOK = 60.0
"""The time between two looks, in seconds.

In how many of them an endpoint is gone before it is removed is in `notifier.store.configured`.
"""

_TOO_LATE = "the clock of the database was ahead when they were recorded"


class Chores:
    """Does the chores while their lease is this instance's; see `run_retention` for the rest."""

    def __init__(
        self, store: SharedStore, config: Callable[[], Config], now: Callable[[], float]
    ) -> None:
        self._store = store
        self._config = config
        self._now = now
        self._scope: trio.CancelScope | None = None
        self._nursery: trio.Nursery | None = None

    def restrict(self, leased: Collection[str]) -> None:
        """Do the chores from now on if they are leased, else not."""
        if not leased and self._scope is not None:
            self._scope.cancel()
            self._scope = None
        elif leased and self._scope is None and self._nursery is not None:
            self._scope = trio.CancelScope()
            self._nursery.start_soon(self._do, self._scope)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Do them when they are leased, for ever."""
        async with trio.open_nursery() as self._nursery:
            task_status.started()
            await trio.sleep_forever()

    async def _do(self, scope: trio.CancelScope) -> None:
        with scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(
                    run_retention, self._store, lambda: self._config().retention, self._now
                )
                nursery.start_soon(self._keep_looking)

    async def _keep_looking(self) -> None:
        """Cancel what nobody can deliver, and have nothing wait since a clock was wrong."""
        while True:
            await trio.sleep(_LOOK)
            try:
                report_cancelled(await self._store.cancel_removed())
                schedules = [each.retry_schedule for each in self._config().endpoints.values()]
                if brought := await self._store.bring_forward(longest_wait(schedules)):
                    log.get().warning("deliveries_brought_forward", count=brought, hint=_TOO_LATE)
            except StoreError as error:
                log.get().error("deliveries_not_checked", reason=str(error))
