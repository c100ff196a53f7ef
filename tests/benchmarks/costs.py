"""The rows of the table about cost: each side by side with rivals, in rounds."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.benchmarks import delivery, polling, rivals
from tests.benchmarks.gateway import gateway
from tests.benchmarks.polling import Load, Measured
from tests.benchmarks.table import GROSS, NEVER_MET, Row

_CONCURRENCIES = (10, 100)
_RIVAL = "AsyncOpenAI"
_KIBIBYTE = 1024


NO_FAILURE = math.inf
"""Time says as much about the machine as about the code: without a rival beside it, it is only
shown."""


@dataclass(frozen=True, slots=True)
class Size:
    """How long to measure: rounds, seconds in each, and how many watches are many."""

    rounds: int
    seconds: float
    many: int
    events: int
    rivals: tuple[str, ...]


QUICK = Size(1, 1.5, 5_000, 400, (_RIVAL,))
FULL = Size(5, 3.0, 100_000, 2_000, tuple(rivals.RIVALS))


def polling_rows(size: Size, python: Path, say: Callable[[str], None]) -> Iterable[Row]:
    """Measure single requests and pages against what people use."""
    ours: dict[int, list[float]] = {}
    theirs: dict[tuple[str, int], list[float]] = {}
    pages: list[float] = []
    for number in range(size.rounds):
        for concurrency in (*_CONCURRENCIES, 1000):
            say(f"round {number + 1}: notifier, {concurrency} at once")
            load = Load(3000, 0.1, concurrency, warm_up=3.0, seconds=size.seconds)
            ours.setdefault(concurrency, []).append(_per_request(polling.measure(load)))
        for rival, concurrency in ((r, c) for r in size.rivals for c in _CONCURRENCIES):
            say(f"round {number + 1}: {rival}, {concurrency} at once")
            with gateway(10_000) as url:
                cost = rivals.cpu_per_request(python, rival, url, concurrency, size.seconds)
            if cost is not None:
                theirs.setdefault((rival, concurrency), []).append(cost)
        say(f"round {number + 1}: notifier, pages of 100")
        warm_up = max(4.0, 2 * size.seconds)
        load = Load(10_000, 2.0, 32, "auto", progress=False, warm_up=warm_up, seconds=4.0)
        measured = polling.measure(load)
        pages.append(measured.cpu / max(measured.answers, 1))
    cpu = {concurrency: median(costs) for concurrency, costs in ours.items()}
    rival_cpu = {key: median(costs) for key, costs in theirs.items()}
    for concurrency, reach in zip(_CONCURRENCIES, (8, 10), strict=True):
        yield _single_row(concurrency, reach, cpu, rival_cpu)
    yield _flat_row(cpu)
    yield _times_less(
        "CPU per status with list pages of 100",
        median(pages),
        rival_cpu[_RIVAL, 10],
        60,
        limit=NEVER_MET * 60 / 29,
    )


def _per_request(measured: Measured) -> float:
    return measured.cpu / max(measured.requests, 1)


def _single_row(
    concurrency: int,
    reach: float,
    cpu: Mapping[int, float],
    rival: Mapping[tuple[str, int], float],
) -> Row:
    others = ", ".join(
        f"{name} {_us(cost)}" for (name, c), cost in rival.items() if c == concurrency
    )
    return _times_less(
        f"CPU per single status request, {concurrency} at once",
        cpu[concurrency],
        rival[_RIVAL, concurrency],
        reach,
        others,
    )


def _times_less(
    what: str, ours: float, rival: float, reach: float, note: str = "", limit: float = GROSS
) -> Row:
    return Row(
        what,
        f"{_us(ours)}: {rival / ours:.1f} times less",
        f"{reach:g} times less than {_RIVAL}",
        reach * ours / rival,
        note or f"{_RIVAL} {_us(rival)}",
        limit,
    )


def _flat_row(cpu: Mapping[int, float]) -> Row:
    first = cpu[10]
    off = max(abs(cost / first - 1) for cost in cpu.values())
    return Row(
        "the same from 10 to 1,000 at once",
        f"{off:+.0%}: " + ", ".join(f"{_us(cost)} at {at}" for at, cost in cpu.items()),
        "±20%",
        off / 0.2,
    )


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs"


def scale_rows(size: Size, say: Callable[[str], None]) -> Iterable[Row]:
    """Measure very many watches, and what they cost beside few."""
    say("notifier, 1,000 watches at 20 s")
    few = polling.measure(_at_20_seconds(1_000))
    say(f"notifier, {size.many:,} watches at 20 s")
    many = polling.measure(_at_20_seconds(size.many))
    yield Row(
        f"memory per open watch, {size.many:,}",
        f"{many.memory / _KIBIBYTE:.1f} KiB",
        "5 KiB",
        many.memory / (5 * _KIBIBYTE),
        "all that the process grew by",
    )
    yield Row(
        f"start with {size.many:,} stored watches",
        f"{many.first_poll:.1f} s to the first poll",
        "10 s",
        many.first_poll / 10,
        limit=NO_FAILURE,
    )
    core = many.cpu / many.seconds
    yield Row(
        f"{size.many:,} watches at 20 s with list pages",
        f"{core:.0%} of a core",
        "60%",
        core / 0.6,
        f"{many.requests / many.seconds:.0f} requests/s, {many.answers / many.seconds:.0f} "
        f"statuses/s at {_us(many.cpu / max(many.answers, 1))} each",
    )
    cpu_growth = (many.cpu / size.many) / (few.cpu / 1_000)
    memory_growth = many.memory / few.memory
    yield Row(
        f"cost per watch, {size.many:,} beside 1,000",
        f"CPU {cpu_growth:.2f} times, memory {memory_growth:.2f} times",
        "1.3 times",
        max(cpu_growth, memory_growth) / 1.3,
        "few watches pay for cold wake-ups, and for what is there once",
    )


def _at_20_seconds(watches: int) -> Load:
    return Load(watches, 20.0, lists="auto", progress=False, warm_up=45.0, seconds=20.0)


def delivery_rows(size: Size, say: Callable[[str], None]) -> Iterable[Row]:
    """Measure from an ending's commit to its delivery's record, beside a plain loop."""
    ours, plain = [], []
    for number in range(size.rounds):
        say(f"round {number + 1}: deliveries")
        ours.append(delivery.events_cpu(size.events))
        say(f"round {number + 1}: deliveries by a plain loop")
        plain.append(delivery.plain_loop_cpu(size.events // 2))
    cost, rival = median(ours), median(plain)
    yield Row(
        "durable events per second of one core",
        f"{1 / cost:.0f} ({_us(cost)} each)",
        "3,000",
        3000 * cost,
        limit=NO_FAILURE,
    )
    yield Row(
        "the same beside httpx and a commit for each row",
        f"{rival / cost:.1f} times less",
        "5 times less",
        5 * cost / rival,
        f"plain loop {_us(rival)}",
        limit=NEVER_MET * 5 / 1.9,
    )
    say("terminal answer to POST")
    seconds = delivery.latency(20 if size is QUICK else 60)
    yield Row(
        "terminal answer to signed POST, idle, with fsync",
        f"median {seconds * 1000:.1f} ms",
        "10 ms",
        seconds / 0.01,
        limit=NO_FAILURE,
    )
