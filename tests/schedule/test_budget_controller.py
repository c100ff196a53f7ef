import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.schedule.budget_controller import BudgetController
from tests.schedule.classes import PACE


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 1e6)), max_size=50))
def test_the_worth_of_a_request_stays_within_bounds(jobs: list[tuple[int, float]]) -> None:
    budget = BudgetController(PACE, share=0.98)
    for requests, duration in jobs:
        budget.regulate(requests, duration)
        assert 0.04 <= budget.worth <= 40


@pytest.mark.parametrize("share", [0.4, 0.65, 0.98])
def test_requests_settle_at_the_budget(share: float) -> None:
    budget = BudgetController(PACE, share)
    spent = fixed = 0.0
    for job in range(400):
        # requests fall with the square root of their worth, as they do for even ends
        requests = round(6 / budget.worth**0.5)
        duration = 60.0 + 120.0 * (job * 0.618 % 1)
        budget.regulate(requests, duration)
        if job >= 100:
            spent += requests
            fixed += PACE.fixed_requests(duration)
    assert spent / fixed == pytest.approx(share, abs=0.02)


def test_one_stuck_job_does_not_open_the_tap() -> None:
    budget = BudgetController(PACE, share=0.98)
    for _ in range(100):
        budget.regulate(7, 120.0)
    before = budget.worth
    budget.regulate(300, 24 * 3600.0)
    assert budget.worth > 0.8 * before
