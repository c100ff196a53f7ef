"""A gateway's budget is split, and never exceeded."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.cluster.grants import next_rate, shares
from notifier.model.grant import Grant

wants = st.dictionaries(st.text("abcdef", min_size=1), st.floats(0, 1000), min_size=1, max_size=8)


def test_who_wants_little_gets_it_and_the_rest_is_split() -> None:
    assert shares(10.0, {"a": 1.0, "b": 20.0, "c": 20.0}) == {"a": 1.0, "b": 4.5, "c": 4.5}


def test_what_nobody_wants_is_split_evenly() -> None:
    assert shares(10.0, {"a": 1.0, "b": 3.0}) == {"a": 4.0, "b": 6.0}


def test_who_comes_new_waits_until_the_others_have_slowed_down() -> None:
    old, new = Grant("old", 10.0, 10.0, 50.0), Grant("new", 10.0, 0.0, 50.0)
    assert next_rate(new, [old]) == 0.0
    slower = old._replace(rate=next_rate(old, [new]))
    assert slower.rate == 5.0
    assert next_rate(new, [slower]) == 5.0


def test_the_smallest_budget_counts_where_configs_differ() -> None:
    one, other = Grant("one", 4.0, 0.0, 9.0), Grant("other", 8.0, 0.0, 9.0)
    assert next_rate(other, [one]) == 2.0


@given(budget=st.floats(0.01, 1000), of_each=wants)
def test_shares_are_the_budget_and_nobody_gets_less_than_an_equal_part_of_what_it_wants(
    budget: float, of_each: dict[str, float]
) -> None:
    result = shares(budget, of_each)
    assert sum(result.values()) == pytest.approx(budget)
    for name, wanted in of_each.items():
        assert result[name] >= min(wanted, budget / len(of_each)) - 1e-6


@given(
    budgets=st.lists(st.floats(0.1, 100), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
)
def test_however_the_instances_take_turns_the_sum_is_never_above_the_budget(
    budgets: list[float], seed: int
) -> None:
    rng = Random(seed)
    budget = min(budgets)
    grants = {str(n): Grant(str(n), each, 0.0, 0.0) for n, each in enumerate(budgets)}
    for _ in range(40):
        name = rng.choice(sorted(grants))
        mine = grants[name]._replace(wants=rng.uniform(0, 50))
        others = [each for each in grants.values() if each.instance != name]
        grants[name] = mine._replace(rate=next_rate(mine, others))
        assert sum(each.rate for each in grants.values()) <= budget + 1e-6
    for name in 2 * sorted(grants):  # once all keep wanting the same, the budget is used
        others = [each for each in grants.values() if each.instance != name]
        grants[name] = grants[name]._replace(rate=next_rate(grants[name], others))
    assert sum(each.rate for each in grants.values()) == pytest.approx(budget)
