"""Keeps this instance's grants, and has it ask no faster."""

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
            granted = await self._store.adjust_grant(gateway, mine, next_rate)
            self._rates[gateway] = granted
            self._work.set_rate(gateway, granted)
            if granted < rate:
                await self._store.lower_grant(gateway, mine._replace(rate=granted))
