"""Hours of several instances in trouble, and proof that a planted bug would be noticed."""

from collections.abc import Callable, Collection, Sequence
from unittest.mock import patch

import pytest

from notifier.cluster.budget import Budgets
from notifier.model.watch import Listing, Watch
from notifier.store import mailbox
from notifier.store.shared_store import SharedStore
from tests.simulation.instances import BUDGET, SimulatedInstance, live

SEEDS = range(12)


@pytest.mark.parametrize("first", range(0, len(SEEDS), 4))
def test_killed_stopped_cut_off_and_drained_instances_lose_and_double_nothing(first: int) -> None:
    for seed in SEEDS[first : first + 4]:
        life = live(seed)
        assert life.problems == [], f"seed {seed}"
        assert life.troubles > 3


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


def problems(
    plant: Callable[[SimulatedInstance], None] = lambda _: None,
    make_store: Callable[..., SharedStore] = SharedStore,
) -> str:
    """Return the first problem that some seeds find."""
    for seed in range(6):
        if found := live(seed, plant, make_store).problems:
            return found[0]
    return ""


def test_the_checker_notices_who_works_on_without_the_store() -> None:
    assert problems(work_on_without_the_store).startswith("not the owner")


def test_the_checker_notices_who_goes_on_after_being_buried() -> None:
    with (
        patch.object(SimulatedInstance, "drop", lambda _: None),
        patch("notifier.polling.supervisor.Supervisor.let_go", lambda *_: None),
    ):
        assert problems().startswith("not the owner")


def test_the_checker_notices_the_withdrawal_of_foreign_sources() -> None:
    assert "events" in problems(make_store=Unforgiving)


def test_the_checker_notices_mail_that_is_not_posted() -> None:
    with patch.object(mailbox, "post", lambda *_: None):
        assert "events" in problems()


def test_the_checker_notices_grants_that_are_not_waited_for() -> None:
    async def update(self: Budgets, *_: object) -> None:
        self._work.set_rate("main", 3 * BUDGET)

    with patch.object(Budgets, "update", update):
        found = live(0).problems
    assert any(problem.startswith("over budget") for problem in found)
