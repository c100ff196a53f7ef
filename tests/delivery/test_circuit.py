"""How much goes to an endpoint that fails, and to one that is coming back."""

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.delivery.circuit import (
    LONGEST_ASKED_WAIT,
    LONGEST_PROBE_WAIT,
    OPENS_AFTER,
    Circuit,
)


def opened(at: float = 0) -> Circuit:
    circuit = Circuit(Random(1))
    for _ in range(OPENS_AFTER):
        circuit.failed(at, None)
    return circuit


def test_a_healthy_endpoint_has_all_the_room() -> None:
    circuit = Circuit(Random(1))
    assert (circuit.room(0, 3), circuit.wait(0)) == (math.inf, math.inf)


def test_only_failures_in_a_row_open_it() -> None:
    circuit = Circuit(Random(1))
    for _ in range(10):
        for _ in range(OPENS_AFTER - 1):
            assert not circuit.failed(0, None)
        assert not circuit.succeeded(0)
    assert circuit.room(0, 0) == math.inf


def test_the_failure_that_opens_it_says_so_once() -> None:
    circuit = Circuit(Random(1))
    opened = [circuit.failed(0, None) for _ in range(OPENS_AFTER + 3)]
    assert opened == [False] * (OPENS_AFTER - 1) + [True] + [False] * 3


def test_an_open_circuit_lets_one_probe_through_after_a_wait() -> None:
    circuit = opened()
    wait = circuit.wait(0)
    assert 4 <= wait <= 6
    assert circuit.room(wait - 0.1, 0) == 0
    assert circuit.room(wait, 0) == 1
    assert circuit.room(wait, 1) == 0


def test_probes_become_rare_but_never_rarer_than_once_a_minute_or_so() -> None:
    circuit, now, waits = opened(), 0.0, []
    for _ in range(10):
        now += circuit.wait(now)
        circuit.failed(now, None)
        waits.append(circuit.wait(now))
    assert waits[0] > 7
    assert max(waits) <= LONGEST_PROBE_WAIT * 1.2
    assert min(waits[4:]) >= LONGEST_PROBE_WAIT * 0.8


@pytest.mark.parametrize(("asked", "at_least"), [(120, 120), (1e12, LONGEST_ASKED_WAIT), (0, 4)])
def test_a_receivers_retry_after_is_granted_within_bounds(asked: float, at_least: float) -> None:
    circuit = opened()
    circuit.failed(0, asked)
    assert at_least <= circuit.wait(0) <= max(at_least, LONGEST_PROBE_WAIT)


def test_after_a_successful_probe_the_rate_grows_until_nothing_is_held_back() -> None:
    circuit = opened()
    assert circuit.succeeded(100)
    now, sent = 100.0, []
    while circuit.room(now, 0) != math.inf:
        if circuit.room(now, 0):
            circuit.started(now)
            circuit.succeeded(now)
            sent.append(now)
        now += 0.001
    assert 159 < now < 161
    per_tenth = [sum(100 + 10 * n <= at < 110 + 10 * n for at in sent) for n in range(6)]
    assert per_tenth[0] <= 15
    assert all(later > 1.5 * earlier for earlier, later in pairwise(per_tenth))
    assert per_tenth[-1] < 640


def test_one_poisoned_event_does_not_end_a_recovery_but_two_failures_do() -> None:
    circuit = opened()
    circuit.succeeded(10)
    assert not circuit.failed(12, None)
    assert not circuit.is_open
    circuit.succeeded(13)
    assert not circuit.failed(14, None)
    assert circuit.failed(15, None)
    assert circuit.is_open


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from(["ok", "fail", "start"]))))
def test_there_is_always_room_again_within_bounds(steps: list[tuple[float, str]]) -> None:
    circuit, now = Circuit(Random(1)), 0.0
    for passed, step in steps:
        now += passed
        match step:
            case "ok":
                circuit.succeeded(now)
            case "fail":
                circuit.failed(now, None)
            case _:
                circuit.started(now)
        if circuit.room(now, 0) == 0:
            wait = circuit.wait(now)
            assert wait <= LONGEST_PROBE_WAIT * 1.2
            assert circuit.room(now + wait + 1e-6, 0) >= 1
