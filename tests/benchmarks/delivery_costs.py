"""The rows about delivering: an event, one for many endpoints, a job's whole way, the latency."""

from collections.abc import Iterable
from statistics import median

from tests.benchmarks import delivery, whole_path
from tests.benchmarks.rivals import STANDARD
from tests.benchmarks.run import Run
from tests.benchmarks.table import NEVER_MET, NO_FAILURE, Row, microseconds, times_less

_FAN_OUT = 9
"""Twice as much as when each delivery had statements of its own: that was 4.5 times less."""


def delivery_rows(run: Run) -> Iterable[Row]:
    """Measure from an ending's commit to its delivery's record, beside a plain loop."""
    size = run.size
    ours, plain = [], []
    for number in range(size.rounds):
        run.say(f"round {number + 1}: deliveries")
        ours.append(delivery.events_cpu(size.events))
        run.say(f"round {number + 1}: deliveries by a plain loop")
        plain.append(delivery.plain_loop_cpu(size.events // 2))
    cost, rival = median(ours), median(plain)
    yield Row(
        "durable events per second of one core",
        f"{1 / cost:.0f} ({microseconds(cost)} each)",
        "3,000",
        3000 * cost,
        limit=NO_FAILURE,
    )
    yield Row(
        "the same beside httpx and a commit for each row",
        f"{rival / cost:.1f} times less",
        "5 times less",
        5 * cost / rival,
        f"plain loop {microseconds(rival)}",
        limit=NEVER_MET * 5 / 1.9,
    )


def fan_out_rows(run: Run) -> Iterable[Row]:
    """Measure a delivery of events that each go to 100 endpoints, beside a plain loop."""
    costs, plain = [], []
    for number in range(run.size.rounds):
        run.say(f"round {number + 1}: one event to {delivery.FAN_OUT} endpoints")
        costs.append(delivery.fan_out_cpu(20 if run.quick else 60))
        run.say(f"round {number + 1}: deliveries by a plain loop")
        plain.append(delivery.plain_loop_cpu(run.size.events // 2))
    cost, rival = median(costs), median(plain)
    yield Row(
        f"CPU per delivery at {delivery.FAN_OUT} endpoints per event",
        f"{microseconds(cost)}: {rival / cost:.1f} times less",
        f"{_FAN_OUT} times less than httpx and a commit for each row",
        _FAN_OUT * cost / rival,
        f"plain loop {microseconds(rival)}",
        limit=NEVER_MET * _FAN_OUT / 4.5,
    )


def latency_rows(run: Run) -> Iterable[Row]:
    """Measure how soon a job's end is on the wire."""
    run.say("terminal answer to POST")
    seconds = delivery.latency(20 if run.quick else 60)
    yield Row(
        "terminal answer to signed POST, idle, with fsync",
        f"median {seconds * 1000:.1f} ms",
        "5 ms",
        seconds / 0.005,
        limit=NO_FAILURE,
    )


def path_rows(run: Run) -> Iterable[Row]:
    """Measure a job's whole way, from the watch file to the recorded 2xx, beside a loop."""
    ours, theirs = [], []
    jobs = run.size.events // 2
    for number in range(run.size.rounds):
        run.say(f"round {number + 1}: whole path")
        ours.append(whole_path.notifier_cpu(jobs))
        run.say(f"round {number + 1}: whole path by {STANDARD}")
        theirs.append(whole_path.rival_cpu(jobs, run.python))
    rival = median(theirs)
    note = f"{STANDARD}, SQLite and httpx: {microseconds(rival)}"
    what = "CPU per job, watch file to recorded 2xx"
    yield times_less(what, median(ours), rival, 7, note, limit=NEVER_MET * 7 / 4)
