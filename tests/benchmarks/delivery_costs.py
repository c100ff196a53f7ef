"""The rows about delivering, beside a plain loop, in rounds."""

from collections.abc import Iterable
from statistics import median

from tests.benchmarks import delivery
from tests.benchmarks.run import Run
from tests.benchmarks.table import NEVER_MET, NO_FAILURE, Row, microseconds


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
    run.say("terminal answer to POST")
    seconds = delivery.latency(20 if run.quick else 60)
    yield Row(
        "terminal answer to signed POST, idle, with fsync",
        f"median {seconds * 1000:.1f} ms",
        "10 ms",
        seconds / 0.01,
        limit=NO_FAILURE,
    )
