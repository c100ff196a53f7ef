"""Opens the store, and decides how much of its work this process does.

A file is this process's alone. A database is shared: whoever opens it becomes an instance among
others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import trio

from notifier.app.assembly import Parts
from notifier.app.cluster_member import ClusterMember
from notifier.app.joining import membership_of
from notifier.app.runtime import Seams
from notifier.app.share import Share
from notifier.app.sole_owner import SoleOwner
from notifier.app.store_opening import open_store
from notifier.app.wiring import reveal_store_url
from notifier.background import running
from notifier.cluster.trust import Trust
from notifier.config import Config
from notifier.metrics import Metrics
from notifier.model.hint import HintKind
from notifier.polling import Sources, Supervisor
from notifier.schedule.clock import Clock
from notifier.store import Store
from notifier.store.access import hints_of
from notifier.store.engine import Engine
from notifier.store.postgres.clock import database_history, database_time
from notifier.store.shared_store import SharedStore


@dataclass(frozen=True, slots=True)
class Opened:
    """An open store. `share` makes the share of its work that this process does.

    `trust` says until when it may work, None if no other process shares the store.
    """

    store: Store
    trust: Trust | None
    share: Callable[[Parts, Sources, Supervisor, Config], Share]


async def open_for_work(
    config: Config,
    clock: Clock,
    seams: Seams,
    metrics: Metrics,
    *,
    adopt: bool,
    stop: trio.Event,
) -> Opened | None:
    """Open the store of `config`; None if `stop` was set before this instance could join.

    Raises StoreRefusedError, StoreError and InstanceRefusedError.
    """
    database = await _opened(config, adopt=adopt, stop=stop)
    if database is None:
        return None
    url = config.store.url
    if url is None:
        store = Store(database, seams.executor(), clock.now, metrics)
        return Opened(store, None, SoleOwner)
    shared = SharedStore(
        *(database, seams.executor(), clock.now, metrics),
        name=config.cluster.instance,
        database_time=database_time,
        database_history=database_history,
    )
    hints = hints_of(url, config.cluster.lease, seams.executor(), reveal=reveal_store_url)
    leases_freed = partial(hints.send, HintKind.LEASES)
    membership = membership_of(shared, config.cluster, clock, seams, leases_freed)
    try:
        with trio.CancelScope() as joining:
            async with running(partial(_cancel_at, stop, joining)):
                await membership.join(lambda: sorted(config.gateways))
    except BaseException:
        with trio.CancelScope(shield=True):
            await shared.close()
        raise
    if joining.cancelled_caught:
        await shared.close()
        return None
    share = partial(ClusterMember, shared, membership, hints)
    return Opened(shared, membership.trust, share)


async def _opened(config: Config, *, adopt: bool, stop: trio.Event) -> Engine | None:
    """Open the store in a thread, which may wait long; None if `stop` was set first.

    The thread then ends with the process, which is as safe as a kill.
    """
    with trio.CancelScope() as opening:
        async with running(partial(_cancel_at, stop, opening)):
            return await trio.to_thread.run_sync(
                partial(open_store, config, adopt=adopt), abandon_on_cancel=True
            )
    return None


async def _cancel_at(event: trio.Event, scope: trio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
