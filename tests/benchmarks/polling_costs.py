"""The rows about polling: requests about one video, list pages, and very many watches."""

from collections.abc import Iterable, Mapping
from statistics import median

from tests.benchmarks import polling, rivals
from tests.benchmarks.gateway import gateway
from tests.benchmarks.polling import Load, Measured
from tests.benchmarks.rivals import STANDARD
from tests.benchmarks.run import Run
from tests.benchmarks.table import NEVER_MET, NO_FAILURE, Row, microseconds, times_less

_CONCURRENCIES = (10, 100)
_KIBIBYTE = 1024
_QUIET = Load(1_000, 1.33, warm_up=1.0)
"""Jobs of a new class that make progress are asked about every 1.5 poll intervals."""

_LIMIT = NEVER_MET / 6
"""By how much less than the reach a request may cost less than the rival's: it was 6 times."""


def single_rows(run: Run) -> Iterable[Row]:
    """Measure requests about one video, as many as there is time for."""
    ours: dict[int, list[float]] = {}
    theirs: dict[tuple[str, int], list[float]] = {}
    for number in range(run.size.rounds):
        for concurrency in (*_CONCURRENCIES, 1000):
            run.say(f"round {number + 1}: notifier, {concurrency} at once")
            load = Load(3000, 0.1, concurrency, warm_up=1.0, seconds=run.size.seconds)
            ours.setdefault(concurrency, []).append(_per_request(polling.measure(load)))
        for rival, concurrency in ((r, c) for r in run.size.rivals for c in _CONCURRENCIES):
            run.say(f"round {number + 1}: {rival}, {concurrency} at once")
            cost = _rival(run, rival, concurrency)
            if cost is not None:
                theirs.setdefault((rival, concurrency), []).append(cost)
    cpu = {concurrency: median(costs) for concurrency, costs in ours.items()}
    rival_cpu = {key: median(costs) for key, costs in theirs.items()}
    for concurrency, reach in zip(_CONCURRENCIES, (11, 16), strict=True):
        yield _single_row(concurrency, reach, cpu, rival_cpu)
    yield _flat_row(cpu)


def quiet_rows(run: Run) -> Iterable[Row]:
    """Measure the daily case: few requests, each of which wakes a process that sleeps."""
    ours, theirs, rates = [], [], []
    for number in range(run.size.rounds):
        run.say(f"round {number + 1}: notifier, 500 requests a second")
        measured = polling.measure(_QUIET)
        ours.append(_per_request(measured))
        rates.append(measured.requests / measured.seconds)
        run.say(f"round {number + 1}: {STANDARD}, 500 requests a second")
        cost = _rival(run, STANDARD, _QUIET.watches, every=2.0)
        if cost is not None:
            theirs.append(cost)
    note = f"{STANDARD} {microseconds(median(theirs))}, notifier at {median(rates):.0f}/s"
    what = "the same for 1,000 watches at a quiet 500 requests a second"
    yield times_less(what, median(ours), median(theirs), 14, note, _LIMIT * 14)


def page_rows(run: Run) -> Iterable[Row]:
    """Measure list pages, by the status that they bring."""
    ours, theirs = [], []
    for number in range(run.size.rounds):
        run.say(f"round {number + 1}: notifier, pages of 100")
        warm_up = max(2.0, run.size.seconds)
        load = Load(10_000, 2.0, 32, "auto", progress=False, warm_up=warm_up, seconds=4.0)
        measured = polling.measure(load)
        ours.append(measured.cpu / max(measured.answers, 1))
        run.say(f"round {number + 1}: {STANDARD}, 10 at once")
        cost = _rival(run, STANDARD, 10)
        if cost is not None:
            theirs.append(cost)
    what, limit = "CPU per status with list pages of 100", NEVER_MET * 60 / 29
    yield times_less(what, median(ours), median(theirs), 60, limit=limit)


def scale_rows(run: Run) -> Iterable[Row]:
    """Measure very many watches, and what they cost beside few."""
    size = run.size
    run.say("notifier, 1,000 watches at 20 s")
    few = polling.measure(_at_20_seconds(1_000))
    run.say(f"notifier, {size.many:,} watches at 20 s")
    many = polling.measure(_at_20_seconds(size.many))
    yield Row(
        f"memory per open watch, {size.many:,}",
        f"{many.memory / _KIBIBYTE:.1f} KiB",
        "3.5 KiB",
        many.memory / (3.5 * _KIBIBYTE),
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
        "18%",
        core / 0.18,
        f"{many.requests / many.seconds:.0f} requests/s, {many.answers / many.seconds:.0f} "
        f"statuses/s at {microseconds(many.cpu / max(many.answers, 1))} each",
        limit=NO_FAILURE,
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


def _rival(run: Run, rival: str, concurrency: int, *, every: float = 0.0) -> float | None:
    with gateway(10_000) as url:
        return rivals.cpu_per_request(
            run.python, rival, url, concurrency, run.size.seconds, every=every
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
        f"{name} {microseconds(cost)}" for (name, c), cost in rival.items() if c == concurrency
    )
    what = f"CPU per single status request, {concurrency} at once"
    theirs = rival[STANDARD, concurrency]
    return times_less(what, cpu[concurrency], theirs, reach, others, _LIMIT * reach)


def _flat_row(cpu: Mapping[int, float]) -> Row:
    first = cpu[10]
    off = max(abs(cost / first - 1) for cost in cpu.values())
    return Row(
        "the same from 10 to 1,000 at once",
        f"{off:+.0%}: " + ", ".join(f"{microseconds(cost)} at {at}" for at, cost in cpu.items()),
        "±20%",
        off / 0.2,
    )


def _at_20_seconds(watches: int) -> Load:
    return Load(watches, 20.0, lists="auto", progress=False, warm_up=5.0, seconds=20.0)
