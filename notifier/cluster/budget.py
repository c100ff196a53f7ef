"""Keeps this instance's grants, and has it ask no faster, nor while a gateway is to rest.

Rests go through the row of the gateway that each heartbeat holds for the grants anyway: so they
cost no write of their own, and the others rest two beats later at most. A rest is a moment, so it
ends for all at once without another word. A refused key is not passed on: the others may have
another one, and with the same one each finds out by its own few requests.
"""

from collections.abc import Mapping, Sequence

from notifier.cluster.deps import MemberStore, Work
from notifier.cluster.grants import next_rate
from notifier.model.grant import Grant


class Budgets:
    """The grants of one instance, one for each gateway."""

    def __init__(self, store: MemberStore, work: Work) -> None:
        self._store = store
        self._work = work
        self._rates: dict[str, float] = {}

    def forget(self, gateways: Sequence[str]) -> None:
        """Ask nothing: this instance has no grants yet, or none any more."""
        self._rates = {}
        for gateway in gateways:
            self._work.set_rate(gateway, 0.0)

    async def update(self, me: str, budgets: Mapping[str, float]) -> None:
        """Change the grants to what they may be now; raises StoreError.

        It slows down before a lower grant is committed, and speeds up after a higher one is.
        """
        for gateway, budget in budgets.items():
            rate = self._rates.get(gateway, 0.0)
            mine = Grant(me, budget, rate, self._work.wants(gateway))
            rests = self._work.rest_until(gateway)
            granted, until = await self._store.adjust_grant(gateway, mine, next_rate, rests)
            self._rates[gateway] = granted
            self._work.rest(gateway, until)
            self._work.set_rate(gateway, granted)
            if granted < rate:
                await self._store.lower_grant(gateway, mine._replace(rate=granted))
