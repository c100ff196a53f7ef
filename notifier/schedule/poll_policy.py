"""When to ask about a job again: as soon as more waiting is expected to cost more than a request.

The end of a job is not known, but there are samples of when it may come: what its progress
forecasts, corrected by what became of such forecasts before; how long past jobs of its class
took; and a little doubt in both. Over them, a gap means an expected delay of
`mean(max(0, now + gap - end))`: nothing while nothing can happen, and the more the likelier the
job ends within the gap. The next question is due when that delay reaches the worth of a request,
which the budget controller sets (`notifier.schedule.budget_controller`). So requests go where ends
are likely, and nowhere else.

Progress and history are trusted in proportion to the squares of how precise each has proved.
Samples that time has passed by are dropped, and what they weighed is lost to their source: a
progress that stalls or lies loses to history and doubt, and an outlived history to doubt. With
doubt alone the gaps grow: a stuck job is asked about ever more rarely.

A new class is asked about at the fixed pace until progress tells more.

The sizes of the constants were found with `tests/benchmarks/schedule`; most can be doubled or
halved and cost a few percent.
"""

from bisect import bisect_right
from collections.abc import Sequence

from notifier.schedule.backoff import SPREAD
from notifier.schedule.class_history import ClassHistory
from notifier.schedule.forecast_error import ForecastErrors
from notifier.schedule.past_durations import SAMPLES_PER_JOB
from notifier.schedule.progress_track import ProgressTrack

FORECAST_SPREAD = 0.02
"""How much jitter a forecast gap bears. More costs lag, and the jobs' own times differ."""

_DOUBT = 0.04
"""The weight of neither progress nor history being right: the job may end at any time."""

_NEGLIGIBLE = 0.004
"""A history of less weight, beside the rest, is not worth the time it takes to look into."""

_USUAL = 6
"""How many poll intervals a job takes as long as nothing is known: 120 s at 20 s."""

_OLD = 5
"""Beyond so many usual durations a job is the likelier stuck the older it is."""

_NO_END = 1e6
"""So many poll intervals are for ever: far beyond where the longest gap is reached."""

_PATIENCE = 30
"""Beyond so many poll intervals a job of a new class is asked about less and less often."""

_STRETCH = 1.5
"""How far a forecast may stretch the gaps of a new class: that makes up for shorter ones."""

_AHEAD, _AHEAD_IF_NEW = 6, 2
"""How many requests a job may be ahead of one per poll interval, the first one included."""

_MOST_STEPS = 20
_CLOSE = 0.05

_Source = tuple[Sequence[float], Sequence[float], float, float, int, float]
"""Samples of a job's end: the sorted values and their sums, as in `PastDurations`; the scale from
values to seconds; the shift from a gap to its value, in seconds; the first value that has not
passed; and the weight of each."""


def next_gap(track: ProgressTrack, samples: ClassHistory, elapsed: float) -> float:
    """Return the seconds until the next question about a job that is `elapsed` seconds old.

    It is between the shortest and the longest gap of the pace. Jitter (see `spread`), errors and
    the gateway's own hints are for the caller to mind.
    """
    pace = samples.pace
    ahead = _AHEAD
    if not samples.new:
        gap = _worthwhile(track, samples, elapsed)
    else:
        ahead = _AHEAD_IF_NEW
        gap = max(pace.poll_interval, elapsed / _PATIENCE)
        if track.anchor:
            gap = min(_STRETCH * gap, _worthwhile(track, samples, elapsed))
    soonest = track.first_at + (track.requests + 1 - ahead) * pace.poll_interval - elapsed
    gap = max(gap, soonest)
    if gap < pace.min_poll_interval:
        return pace.min_poll_interval
    return min(samples.longest, gap)


def spread(track: ProgressTrack, samples: ClassHistory) -> float:
    """Return by what share of itself the next gap may be stretched or shrunk at random.

    Where nothing is forecast all gaps are alike, and only jitter keeps jobs out of step.
    """
    return SPREAD if samples.new and not track.anchor else FORECAST_SPREAD


def _worthwhile(track: ProgressTrack, samples: ClassHistory, elapsed: float) -> float:
    """Return the gap after which a request is worth its while."""
    history = samples.history
    ends = history.ends
    ended = bisect_right(ends, elapsed)
    left = len(ends) - ended
    doubt = mass = _DOUBT
    rest = 1.0 - _DOUBT
    guess = ends[ended + left // 8] - elapsed if left else samples.pace.poll_interval
    sources: list[_Source] = []
    if track.anchor:
        known = ended
        if track.anchor_at < elapsed:
            known = bisect_right(ends, track.anchor_at, 0, ended)
        progress = _by_progress(track, samples, elapsed, history.variances[known])
        found, forecast, shift, first, weight = progress
        count = len(found.ratios)
        mass += weight * (count - first)
        rest -= weight * count
        if left:
            rest *= left / (len(ends) - known)
        if first < count:
            worth = samples.worth * (mass + rest)
            guess = forecast * found.exceeding(worth / (weight * count * forecast)) - shift
            sources.append((found.ratios, found.sums, forecast, shift, first, weight))
    if left and rest > _NEGLIGIBLE * mass:
        mass += rest
        # the fewer are left the less they prove, as if doubt were one of the jobs
        weight = rest / (left + SAMPLES_PER_JOB)
        doubt += weight * SAMPLES_PER_JOB
        sources.append((ends, history.sums, 1.0, elapsed, ended, weight))
    worth = samples.worth * mass
    return _solve(sources, doubt, _doubtful_tail(samples, elapsed), worth, guess, samples)


def _by_progress(
    track: ProgressTrack, samples: ClassHistory, elapsed: float, variance: float
) -> tuple[ForecastErrors, float, float, int, float]:
    """Return what progress says, weighed against a history that is spread by `variance`.

    That is the corrections and, see `_Source`, their scale, shift, first and weight.
    """
    found = samples.corrections(track)
    refresh = samples.refresh
    forecast = track.forecast(refresh, by_speed=found.by_speed) + refresh
    shift = elapsed - track.anchor_at + refresh
    odds = forecast * forecast * found.variance / variance
    weight = (1.0 - _DOUBT) / (1.0 + odds * odds) / len(found.ratios)
    return found, forecast, shift, bisect_right(found.ratios, shift / forecast), weight


def _doubtful_tail(samples: ClassHistory, elapsed: float) -> float:
    """Return twice the mean time that remains to a job of which nothing is known."""
    interval = samples.pace.poll_interval
    usual = samples.history.median or _USUAL * interval
    age = elapsed / (_OLD * usual)
    return 2 * usual if age < 1 else min(2 * usual * age * age, _NO_END * interval)


def _solve(
    sources: list[_Source],
    doubt: float,
    tail: float,
    worth: float,
    gap: float,
    samples: ClassHistory,
) -> float:
    """Return the gap whose expected delay is `worth`, or a bound that it is beyond.

    The delay is convex: from a first guess above, Newton's steps come down without passing by.
    Doubt is a Pareto distribution, where a gap means a delay of gap² / (tail + gap).
    """
    low, longest = samples.pace.min_poll_interval, samples.longest
    gap = min(max(gap, low), longest)
    for _ in range(_MOST_STEPS):
        rest = tail / (tail + gap)
        delay = doubt * gap * (1.0 - rest) - worth
        chance = doubt * (1.0 - rest * rest)
        for values, sums, scale, shift, first, weight in sources:
            until = gap + shift
            ended = bisect_right(values, until / scale, first)
            delay += weight * ((ended - first) * until - scale * (sums[ended] - sums[first]))
            chance += weight * (ended - first)
        if delay < 0 and gap >= longest:
            return longest
        step = delay / chance
        gap -= step
        if gap < low:
            return low
        if -_CLOSE * gap < step < _CLOSE * gap:
            return gap
        gap = min(gap, longest)
    return gap
