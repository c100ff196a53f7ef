"""Hours of several instances in trouble, and proof that a planted bug would be noticed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from unittest.mock import patch

import pytest

from notifier.cluster.budget import Budgets
from notifier.cluster.grants import next_rate
from notifier.cluster.trust import Trust
from notifier.model.grant import Grant
from notifier.model.lease import Fence
from notifier.model.watch import Listing, Watch
from notifier.store import mailbox
from notifier.store.shared_store import SharedStore
from tests.simulation.cluster_life import live
from tests.simulation.instances import BUDGET, SimulatedInstance

SEEDS = range(12)
SEEDS_OF_BUGS = range(6, 18)


@pytest.mark.parametrize("first", range(0, len(SEEDS), 4))
def test_killed_stopped_cut_off_and_drained_instances_lose_and_double_nothing(first: int) -> None:
    for seed in SEEDS[first : first + 4]:
        life = live(seed)
        assert life.problems == [], f"seed {seed}"
        assert life.troubles >= 3


def work_on_without_the_store(instance: SimulatedInstance) -> None:
    """Never doubt that the work is still one's own."""
    instance.may_work = lambda: True


class Unforgiving(SharedStore):
    """Takes every source that is not its own for gone."""

    async def sync_watches(
        self, listings: Sequence[Listing], gone: Collection[str]
    ) -> list[Watch]:
        def withdraw(db: object) -> None:
            db.execute(  # type: ignore[attr-defined]
                "DELETE FROM listings WHERE source NOT LIKE ?", (f"{self.name}:%",)
            )

        await self._transact_long(withdraw)
        return await super().sync_watches(listings, gone)


def noticed(
    symptom: str,
    plant: Callable[[SimulatedInstance], None] = lambda _: None,
    make_store: Callable[..., SharedStore] = SharedStore,
) -> bool:
    """Return whether one of some seeds finds such a problem."""
    return any(
        symptom in problem
        for seed in SEEDS_OF_BUGS
        for problem in live(seed, plant, make_store).problems
    )


def test_the_checker_notices_who_works_on_without_the_store() -> None:
    assert noticed("not the owner", work_on_without_the_store)


def test_the_checker_notices_who_counts_the_trust_from_when_the_answer_came() -> None:
    real = Trust.renew

    def renew(self: Trust, _sent_at: float) -> None:
        real(self, self._clock())

    with patch.object(Trust, "renew", renew):
        assert noticed("works on")


def test_the_checker_notices_who_writes_without_a_fence() -> None:
    with ExitStack() as bugs:
        for module in ("claims", "watches"):
            bugs.enter_context(
                patch(f"notifier.store.{module}.those_over", lambda *_: frozenset())
            )
        bugs.enter_context(
            patch("notifier.store.endings.ask_those_over", lambda *_: frozenset[Fence])
        )
        assert noticed("not the owner")


def test_the_checker_notices_who_buries_without_having_been_in_contact() -> None:
    with patch.object(Trust, "may_bury", Trust.holds):
        assert noticed("had no contact")


def test_the_checker_notices_who_goes_on_after_being_buried() -> None:
    with (
        patch.object(SimulatedInstance, "drop", lambda _: None),
        patch("notifier.polling.supervisor.Supervisor.let_go", lambda *_: None),
    ):
        assert noticed("not the owner")


def test_the_checker_notices_the_withdrawal_of_foreign_sources() -> None:
    assert noticed("events", make_store=Unforgiving)


def test_the_checker_notices_mail_that_is_not_posted() -> None:
    with patch.object(mailbox, "post", lambda *_: None):
        assert noticed("events")


def test_the_checker_notices_grants_that_are_raised_before_they_are_committed() -> None:
    async def update(self: Budgets, me: str, budgets: Mapping[str, float]) -> None:
        """Look at the grants of the others, ask at the rate that they leave, then commit it."""
        grants = await self._store.grants()  # type: ignore[attr-defined]  # of SharedStore
        for gateway, budget in budgets.items():
            rate = self._rates.get(gateway, 0.0)
            mine = Grant(me, budget, rate, self._work.wants(gateway))
            others = [one for one in grants.get(gateway, ()) if one.instance != me]
            self._rates[gateway] = granted = next_rate(mine, others)
            self._work.set_rate(gateway, granted)
            await self._store.lower_grant(gateway, mine._replace(rate=granted))

    with patch.object(Budgets, "update", update):
        assert noticed("over budget")


def test_the_checker_notices_grants_that_are_not_waited_for() -> None:
    async def update(self: Budgets, *_: object) -> None:
        self._work.set_rate("main", 3 * BUDGET)

    with patch.object(Budgets, "update", update):
        assert noticed("over budget: at")
