"""The rows of the schedule in the table of what is to be reached."""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, product

from tests.benchmarks.schedule.jobs import COMPACT, DURATIONS, HEAVY, SMOOTH
from tests.benchmarks.schedule.simulation import Scene, Tally
from tests.benchmarks.table import GROSS, NEVER_MET, Row

_SHARES = (0.30, 0.35, 0.40, 0.45, 0.50)
_STUCK_SHARE = 0.03


class _Stage:
    """Plays scenes, as often as is asked for; `done` hears how many are over."""

    def __init__(self, *, quick: bool, done: Callable[[int], None]) -> None:
        self.counted = 150 if quick else 250
        self._seeds = 1 if quick else 10
        self._done = done
        self._played = 0

    def play(self, scene: Scene) -> Tally:
        tally = Tally.of(scene.play(seed) for seed in range(self._seeds))
        self._played += 1
        self._done(self._played)
        return tally

    def cells(
        self, durations: Iterable[str], shapes: Iterable[str], before: int, **more: float
    ) -> dict[str, Tally]:
        """Play every pair of duration and shape, each a class of its own."""
        return {
            f"{shape}, {duration}": self.play(Scene(duration, shape, before, self.counted, **more))
            for duration, shape in product(durations, shapes)
        }


SCENES = 4 * (5 + 1) * 2 + 4 * 2 + 3 + (2 + 4 + 4) + len(_SHARES) * 4 * (5 + 1)
"""How many scenes `reach` plays."""


def reach(*, quick: bool = False, done: Callable[[int], None] = lambda _: None) -> list[Row]:
    """Simulate and return the rows; `done` is told how many of SCENES have been played."""
    stage = _Stage(quick=quick, done=done)
    smooth = stage.cells(DURATIONS, SMOOTH, 50, share=0.64)
    equal = stage.cells(DURATIONS, SMOOTH, 50)
    long_at_99 = stage.cells(DURATIONS, ("long at 99",), 50, share=0.64)
    long_at_equal = stage.cells(DURATIONS, ("long at 99",), 50)
    spoilt = stage.cells(DURATIONS, ("noisy", "lying"), 50)
    compact = stage.cells(COMPACT, ("none",), 100)
    wild = {
        **stage.cells([HEAVY], ("none", "lying"), 0),
        **stage.cells(DURATIONS, ("jumpy",), 0),
    }
    stuck = stage.cells(
        ["60-180 s"], ("even", "lying", "jumpy", "none"), 0, stuck_share=_STUCK_SHARE
    )
    return [
        _lag_row("lag, smooth progress, from job 50", smooth, (3.0, 7.0, 0.65)),
        _lag_row("the same at equal requests", equal, (2.6, None, 1.0)),
        _lag_row(
            "lag, stuck at 99 for the last 5-30 % of the time",
            long_at_99,
            (3.0, 7.0, 0.65),
            NEVER_MET * 13.6 / 7.0,
        ),
        _lag_row("the same at equal requests", long_at_equal, (2.6, None, 1.0)),
        _lag_row("lag, noisy or lying progress", spoilt, (4.5, None, 1.0)),
        _lag_row("lag, only history, compact, after 100 jobs", compact, (5.5, 13.0, 1.0)),
        _never_worse_row(
            {**wild, **{f"{name}, some stuck": tally for name, tally in stuck.items()}}
        ),
        _stuck_row(Tally.of(stuck.values())),
        _same_lag_row("smooth", stage, SMOOTH, 0.40),
        _same_lag_row("noisy", stage, ("noisy",), 0.45),
    ]


def _lag_row(
    what: str,
    cells: dict[str, Tally],
    limits: tuple[float, float | None, float],
    gross: float = GROSS,
) -> Row:
    mean, p95, share = limits
    total = Tally.of(cells.values())
    ratios = [total.lag / mean, total.share / share]
    if p95 is not None:
        ratios.append(total.p95 / p95)
    worst = max(cells, key=lambda name: cells[name].lag)
    return Row(
        what,
        f"mean {total.lag:.2f} s, p95 {total.p95:.1f} s at {total.share:.1%} of the requests",
        f"mean {mean:g} s" + (f", p95 {p95:g} s" if p95 else "") + f" at {share:.0%}",
        max(ratios),
        f"worst: {worst}: mean {cells[worst].lag:.2f} s, p95 {cells[worst].p95:.1f} s",
        gross,
    )


def _never_worse_row(cells: dict[str, Tally]) -> Row:
    ratios = {name: max(tally.lag / tally.fixed_lag, tally.share) for name, tally in cells.items()}
    worst = max(ratios, key=lambda name: ratios[name])
    tally = cells[worst]
    return Row(
        "heavy tail, jumpy progress, stuck jobs among others: all jobs of a class",
        f"at worst {tally.lag:.2f} s (fixed: {tally.fixed_lag:.2f} s) at {tally.share:.1%}",
        "not above fixed polling's lag or requests",
        ratios[worst],
        f"worst: {worst}",
    )


def _stuck_row(tally: Tally) -> Row:
    return Row(
        "requests for a job that is stuck for 24 h",
        f"{tally.stuck_share:.1%} of fixed polling's",
        "12%",
        tally.stuck_share / 0.12,
    )


def _same_lag_row(name: str, stage: _Stage, shapes: Sequence[str], limit: float) -> Row:
    """Lower the budget until the mean lag is that of fixed polling."""
    tallies = [
        Tally.of(stage.cells(DURATIONS, shapes, 50, share=share).values()) for share in _SHARES
    ]
    share = _share_at_equal_lag(tallies)
    return Row(
        f"requests at the lag of fixed polling, {name} progress, from job 50",
        "not within the sweep" if share is None else f"{share:.1%}",
        f"{limit:.0%}",
        float("inf") if share is None else share / limit,
    )


def _share_at_equal_lag(tallies: Sequence[Tally]) -> float | None:
    """Return by interpolation what part of the requests gives the fixed loop's lag."""
    for less, more in pairwise(tallies):
        if less.lag >= less.fixed_lag and more.lag <= more.fixed_lag:
            part = (less.lag - less.fixed_lag) / (less.lag - more.lag)
            return less.share + part * (more.share - less.share)
    return None
