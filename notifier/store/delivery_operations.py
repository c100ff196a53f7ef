"""The store's operations on deliveries: claims, and what became of them."""

from collections.abc import Callable, Sequence

from notifier.metrics import Metrics
from notifier.model.delivery import AttemptRecord, CallbackDemand, Claim, Settlement
from notifier.model.event import NewEvent
from notifier.model.health import Health
from notifier.model.lease import Fence
from notifier.store import attempts, callback_hosts, claims, outbox
from notifier.store.claim_doubts import ClaimDoubts
from notifier.store.engine import Engine
from notifier.store.executor import Executor
from notifier.store.transactions import Transactions


class DeliveryOperations(Transactions):
    """What lanes claim, give back and record; every method raises StoreError."""

    def __init__(
        self,
        database: Engine,
        executor: Executor,
        now: Callable[[], float],
        metrics: Metrics | None = None,
    ) -> None:
        super().__init__(database, executor, now, metrics)
        self._doubts = ClaimDoubts()

    async def claim_due(
        self, endpoint: str, limit: int, fence: Fence | None = None
    ) -> list[Claim]:
        """Take up to `limit` due deliveries of `endpoint` into flight.

        None when the ownership of `fence` is over. After a StoreError they may be in flight all
        the same: the next call takes them back first.
        """
        with self._doubts.claiming(endpoint, self._now()) as (now, in_doubt):
            wanted = claims.Wanted(endpoint, limit, now, fence, in_doubt)
            return await self._lane(endpoint).transact_bulk(claims.claim_all, wanted)

    async def next_due(self, endpoint: str) -> float | None:
        """Return when the next delivery of `endpoint` that is not in flight is due."""
        return await self._lane(endpoint).read(claims.next_due, endpoint)

    async def claim_callbacks(
        self, endpoint: str, demand: CallbackDemand, fence: Fence | None = None
    ) -> list[Claim]:
        """Take due callbacks into flight, as `demand` says; none when `fence` is over.

        After a StoreError the next call takes back what may be in flight, as `claim_due` does.
        """
        with self._doubts.claiming(endpoint, self._now()) as (now, in_doubt):
            return await self._lane(endpoint).transact_in_order(
                callback_hosts.AFTER_ALL,
                callback_hosts.claim,
                endpoint,
                demand,
                now,
                fence,
                in_doubt,
            )

    async def next_callback(self, endpoint: str) -> float | None:
        """Return when callbacks are to be claimed next, None when none waits."""
        return await self._lane(endpoint).read(callback_hosts.next_look, endpoint)

    async def release(self, claims: Sequence[Claim]) -> None:
        """Take claims of one lane back whose attempts were not begun."""
        for claim in claims[:1]:
            lane = self._lane(claim.endpoint)
            # the host names of several callbacks have no place among those of others
            transact = lane.transact if claim.host is None else lane.transact_long
            await transact(outbox.release, claims)

    async def defer(self, claim: Claim, until: float) -> None:
        """Take a callback's claim back; its host name waits until then (Unix seconds)."""
        order = callback_hosts.order_of(claim)
        await self._lane(claim.endpoint).transact_in_order(order, outbox.defer, claim, until)

    async def record_attempt(
        self,
        claim: Claim,
        attempt: AttemptRecord,
        settlement: Settlement,
        health: Health | None,
        notice: NewEvent | None = None,
    ) -> bool:
        """Commit an attempt and what follows from it; a Hold also disables the endpoint.

        `health` is the endpoint's after the attempt, None for a callback, which has none.
        `notice` is the event to be recorded if this disables the endpoint, or is its first
        success after that; tells whether it was.
        """
        now, order = self._now(), callback_hosts.order_of(claim)
        return await self._lane(claim.endpoint).transact_in_order(
            order, attempts.record, claim, attempt, settlement, health, notice, now
        )

    async def keep_rendering(self, claim: Claim, body: bytes) -> None:
        """Store what the endpoint's template made, as the body of this delivery from now on."""
        await self._lane(claim.endpoint).transact(claims.keep_rendering, claim, body)

    async def record_delivered(self, made: Sequence[tuple[Claim, AttemptRecord]]) -> None:
        """Commit attempts of one lane that were received."""
        received = attempts.Received(made, self._now())
        for claim, _ in made[:1]:
            await self._lane(claim.endpoint).transact_bulk(attempts.record_delivered, received)
