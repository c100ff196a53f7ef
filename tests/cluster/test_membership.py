"""An instance keeps alive, as long as it can work with the store."""

from random import Random

import pytest
import trio
from trio.testing import MockClock

from notifier.cluster.deps import Surroundings
from notifier.cluster.membership import Membership
from notifier.errors import OutdatedError
from notifier.model.instance import Instance
from notifier.store import InlineExecutor
from notifier.store.connection import set_meta
from notifier.store.shared_store import SharedStore
from tests.builders import START, memory_database


async def test_an_instance_that_was_buried_ends_if_newer_ones_have_changed_the_store_since(
    autojump_clock: MockClock,
) -> None:
    database = memory_database()

    def now() -> float:
        return START + trio.current_time()

    store = SharedStore(database, InlineExecutor(), now, name="old", database_time=lambda _: now())
    around = Surroundings(
        clock=trio.current_time,
        new_id=lambda: f"old-{trio.current_time()}",
        is_dead=lambda _: False,
        rng=Random(1),
    )
    identity = Instance("", "old", "host", "boot", 1, "0.9", 13)
    membership = Membership(store, identity, 15.0, around)
    await membership.join(list)
    database.transact(set_meta, "oldest_writer", "14")
    await membership.beat()
    await store.bury(membership.id)
    dropped = []
    with pytest.raises(OutdatedError, match="run the newer one"):
        await membership.keep_alive(lambda: None, lambda: dropped.append(1), list)
    assert dropped == [1]
