"""What the owner of a lane claims from a store that several instances share."""

from collections.abc import Sequence

from notifier.model.delivery import CallbackDemand, Claim
from notifier.model.lease import Fence
from notifier.store.store import Store


class FencedLane:
    """Claims from `store` as long as the ownership of `fence` lasts; raises StoreError.

    Attempts that were claimed are fenced by their number: whoever takes the lane interrupts them.
    """

    def __init__(self, store: Store, fence: Fence) -> None:
        self._store = store
        self._fence = fence

    async def claim_due(self, endpoint: str, limit: int) -> list[Claim]:
        """Claim up to `limit` due deliveries; none if another instance owns the lane."""
        return await self._store.claim_due(endpoint, limit, self._fence)

    async def next_due(self, endpoint: str) -> float | None:
        """Return when the next delivery that is not in flight is due."""
        return await self._store.next_due(endpoint)

    async def release(self, claims: Sequence[Claim]) -> None:
        """Take claims back whose attempts were not begun."""
        await self._store.release(claims)

    async def claim_callbacks(self, endpoint: str, demand: CallbackDemand) -> list[Claim]:
        """Claim due callbacks; none if another instance owns the lane."""
        return await self._store.claim_callbacks(endpoint, demand, self._fence)

    async def next_callback(self, endpoint: str) -> float | None:
        """Return when callbacks are to be claimed next."""
        return await self._store.next_callback(endpoint)

    async def defer(self, claim: Claim, until: float) -> None:
        """Take a callback's claim back; its host name waits until then (Unix seconds)."""
        await self._store.defer(claim, until)
