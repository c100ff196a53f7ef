"""The store of the simulated daemon: the process dies before and after its commits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, Protocol, TypeVar, cast

import trio

from notifier.archive.expiry_notices import TimerStore
from notifier.delivery.attempt import AttemptStore
from notifier.delivery.endpoint_flow import DueStore
from notifier.delivery.outbox import EventStore
from notifier.discovery.deps import DiscoveryStore
from notifier.model.discovery import FoundJob, Mark
from notifier.model.watch import Watch
from notifier.polling.snapshot_writer import SnapshotStore
from notifier.polling.sources import WatchStore
from notifier.store import Store
from notifier.store.discovery import record as record_found
from notifier.store.endings import record_all as record_endings
from notifier.store.follow_up_operations import _record
from notifier.store.operation import Operation
from notifier.store.recovery import Reconciled, Recovery
from tests.simulation.world import World

P = ParamSpec("P")
T = TypeVar("T")


class Keeping(
    EventStore,
    DueStore,
    AttemptStore,
    SnapshotStore,
    WatchStore,
    DiscoveryStore,
    TimerStore,
    Protocol,
):
    """All that the parts need of a store."""

    async def recover(self, url_marks: Mapping[str, str], longest_wait: float) -> Recovery:
        """Put in order what an earlier process left behind."""

    async def reconcile_endpoints(self, url_marks: Mapping[str, str]) -> Reconciled:
        """Make the state fit the endpoints that are configured."""


class WitnessedStore(Store):
    """A store that tells the world when it has committed a baseline."""

    world: World

    async def record_discovered(
        self, gateway: str, found: Sequence[FoundJob], walk: int, mark: Mark
    ) -> list[Watch]:
        """Commit what discovery found."""
        opened = await super().record_discovered(gateway, found, walk, mark)
        if mark.has_baseline:
            self.world.baselines.append(trio.current_time())
        return opened


class CrashedError(BaseException):
    """The process has died; nothing may catch this."""


@dataclass
class CrashingExecutor:
    """Runs the store inline, and dies before or after one in `rarity` transactions.

    Thirty times as often around those that record an ending, what follows one, or what discovery
    found, where it hurts most.
    """

    world: World
    rarity: int

    async def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function`, which commits one transaction."""
        await trio.lowlevel.checkpoint()
        hurts = not {record_endings, record_found, _record}.isdisjoint(_works(args))
        fate = self.world.rng.randrange(self.rarity // 30 if hurts else self.rarity)
        if fate == 0:
            raise CrashedError
        result = function(*args, **kwargs)
        if fate == 1:
            raise CrashedError
        return result

    def another(self) -> "CrashingExecutor":
        """Return this one: there is only one event loop."""
        return self


def _works(args: tuple[object, ...]) -> list[object]:
    """Return the functions of the calls that a transaction is for."""
    if not isinstance(args[0], Sequence):
        return []  # a query
    (calls,) = cast("tuple[Sequence[Operation]]", args)
    return [cast("partial[object]", call.work).args[0] for call in calls]
