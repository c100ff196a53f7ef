"""Splits a gateway's budget among instances; pure.

A grant is changed by its owner alone, and the sum of all grants is never above the budget: an
instance takes more only when others have already taken less.
"""

from collections.abc import Iterable, Mapping

from notifier.model.grant import Grant


def next_rate(mine: Grant, others: Iterable[Grant]) -> float:
    """Return the rate that an instance may have from now on, in requests a second.

    Where the configs differ, the smallest budget counts.
    """
    others = list(others)
    budget = min(mine.budget, *(each.budget for each in others)) if others else mine.budget
    wants = {each.instance: each.wants for each in (mine, *others)}
    share = shares(budget, wants)[mine.instance]
    taken = sum(each.rate for each in others)
    return max(min(share, budget - taken), 0.0)


def shares(budget: float, wants: Mapping[str, float]) -> dict[str, float]:
    """Return the max-min share of each: nobody could have more without another having less.

    What nobody wants is split evenly, for work that begins before the next change.
    """
    result = dict.fromkeys(wants, 0.0)
    left, waiting = budget, sorted(wants, key=wants.__getitem__)
    while waiting:
        name = waiting.pop(0)
        result[name] = min(max(wants[name], 0.0), left / (len(waiting) + 1))
        left -= result[name]
    return {name: rate + max(left, 0.0) / len(wants) for name, rate in result.items()}
