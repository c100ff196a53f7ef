"""What an instance does by lease goes by the ownership, not by the name of the lease."""

from collections.abc import Collection
from typing import cast

from notifier.app.endpoints import Endpoints
from notifier.app.leased_services import LeasedServices
from notifier.model.lease import Lease, LeaseKind
from notifier.store.shared_store import SharedStore


class NoLanes:
    """Endpoints of an instance that has no lane."""

    lanes: Collection[str] = ()

    def close_lanes(self, names: Collection[str]) -> None:
        """Close nothing."""


def discovery(epoch: int) -> Lease:
    return Lease("discovery:main", LeaseKind.DISCOVERY, "main", owner="me", epoch=epoch)


async def test_a_stop_that_comes_late_leaves_what_was_taken_again_since() -> None:
    discovered = list[Collection[str]]()
    services = LeasedServices(
        cast("SharedStore", None),
        cast("Endpoints", NoLanes()),
        lambda _: True,
        {LeaseKind.DISCOVERY: discovered.append},
    )
    await services.start([discovery(1)])
    services.drop()
    await services.start([discovery(2)])
    await services.stop([discovery(1)])
    assert discovered[-1] == {"main"}
    await services.stop([discovery(2)])
    assert discovered[-1] == frozenset()
