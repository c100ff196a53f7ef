"""The poll policy: when to ask about a job again.

A job is polled again as soon as further waiting is expected to cost more than a request. The end
of a job is unknown, but there are weighted samples of it from three sources: the forecast from
its progress, corrected by the errors of earlier forecasts; the durations of past jobs of its
class; and a little doubt in both. Over these samples a gap has an expected delay of
`mean(max(0, now + gap - end))`. It is zero while no sample lies within the gap, and grows with
the weight of those that do. The next poll is due when the delay reaches the worth of a request,
which `notifier.schedule.budget_controller` sets. So requests are made where ends are likely.

Progress and history are weighted by the square of the precision that each has shown. Samples that
lie in the past are dropped, and their source loses their weight: progress that stalls or lies
loses to history and doubt, and an outlived history loses to doubt. With doubt alone the gaps
grow, so a stuck job is polled ever more rarely.

A job of a new class is polled at the fixed pace until its progress allows a forecast. Its few
requests are not spent just before the forecast end.

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
"""The jitter of a forecast gap. More would cost lag, and the jobs' own times differ anyway."""

_DOUBT = 0.04
"""The weight of the case that neither progress nor history is right: any end is possible."""

_NEGLIGIBLE = 0.004
"""A history with a smaller share of the weight is left out, to save its computation."""

_USUAL = 6
"""The assumed duration of a job while nothing is known, in poll intervals: 120 s at 20 s."""

_OLD = 5
"""Beyond so many usual durations a job counts as the likelier stuck the older it is."""

_NO_END = 1e6
"""The longest mean remaining time, in poll intervals: far beyond where the longest gap is due."""

_PATIENCE = 30
"""Beyond so many poll intervals of age, the gaps of a job of a new class grow with its age."""

_STRETCH = 1.5
"""How far a forecast may stretch a gap of a new class, which pays for the shorter ones."""

_SETTLED = 3
"""A job of a new class must have progressed for so many refresh times to be forecast: what a
reading says in its first seconds is mostly how old it is."""

_MARGIN = 0.05
"""How much longer than forecast, relatively, such a job is given when it is asked about last."""

_AHEAD, _AHEAD_IF_NEW = 6, 2
"""How many requests a job may be ahead of one per poll interval, the first one included."""

_MOST_STEPS = 20
_CLOSE = 0.05

_Source = tuple[Sequence[float], Sequence[float], float, float, int, float]
"""Samples of a job's end: the sorted values and their sums, as in `PastDurations`; the scale from
values to seconds; the shift from a gap to its value, in seconds; the first value that is still
ahead; and the weight of each value."""


def next_gap(track: ProgressTrack, history: ClassHistory, elapsed: float) -> float:
    """Return the seconds until the next poll of a job that is `elapsed` seconds old.

    The result lies between the shortest and the longest gap of the pace. The caller applies
    jitter (see `spread`), errors and the gateway's own hints.
    """
    pace = history.pace
    ahead = _AHEAD
    if not history.new:
        gap = _worthwhile(track, history, elapsed, history.longest)
    else:
        ahead = _AHEAD_IF_NEW
        gap = _gap_of_new_class(track, history, elapsed)
    soonest = track.first_at + (track.requests + 1 - ahead) * pace.poll_interval - elapsed
    gap = max(gap, soonest)
    if gap < pace.min_poll_interval:
        return pace.min_poll_interval
    return min(history.longest, gap)


def _gap_of_new_class(track: ProgressTrack, history: ClassHistory, elapsed: float) -> float:
    pace = history.pace
    gap = max(pace.poll_interval, elapsed / _PATIENCE)
    if not track.anchor or track.worked < _SETTLED * history.refresh:
        return gap
    gap = _worthwhile(track, history, elapsed, min(_STRETCH * gap, history.longest))
    # may no request follow before the forecast end, this one waits until just after it
    following = (
        track.first_at + (track.requests + 2 - _AHEAD_IF_NEW) * pace.poll_interval - elapsed
    )
    remaining = track.forecast(history.refresh, by_speed=True) - (elapsed - track.anchor_at)
    if max(gap, following - pace.poll_interval) < remaining < following:
        after_end = remaining * (1 + _MARGIN) + history.refresh / 2
        gap = max(gap, min(after_end, following, pace.poll_interval))
    return gap


def spread(track: ProgressTrack, history: ClassHistory) -> float:
    """Return the jitter of the next gap, as a share of it.

    Without a forecast all gaps are equal, and only jitter keeps jobs out of step.
    """
    return SPREAD if history.new and not track.anchor else FORECAST_SPREAD


def _worthwhile(
    track: ProgressTrack, history: ClassHistory, elapsed: float, longest: float
) -> float:
    """Return the gap after which a request is worth making, at most `longest`."""
    durations = history.durations
    ends = durations.ends
    ended = bisect_right(ends, elapsed)
    left = len(ends) - ended
    doubt = mass = _DOUBT
    rest = 1.0 - _DOUBT
    guess = ends[ended + left // 8] - elapsed if left else history.pace.poll_interval
    sources: list[_Source] = []
    if track.anchor:
        known = ended
        if track.anchor_at < elapsed:
            known = bisect_right(ends, track.anchor_at, 0, ended)
        progress = _by_progress(track, history, elapsed, durations.variances[known])
        found, forecast, shift, first, weight = progress
        count = len(found.ratios)
        mass += weight * (count - first)
        rest -= weight * count
        if left:
            rest *= left / (len(ends) - known)
        if first < count:
            worth = history.worth * (mass + rest)
            guess = forecast * found.exceeding(worth / (weight * count * forecast)) - shift
            sources.append((found.ratios, found.sums, forecast, shift, first, weight))
    if left and rest > _NEGLIGIBLE * mass:
        mass += rest
        # the fewer ends are left, the weaker their evidence: doubt counts as one more job
        weight = rest / (left + SAMPLES_PER_JOB)
        doubt += weight * SAMPLES_PER_JOB
        sources.append((ends, durations.sums, 1.0, elapsed, ended, weight))
    worth = history.worth * mass
    low = history.pace.min_poll_interval
    tail = _doubtful_tail(history, elapsed)
    return _solve(sources, doubt, tail, worth, min(max(guess, low), longest), low, longest)


def _by_progress(
    track: ProgressTrack, history: ClassHistory, elapsed: float, variance: float
) -> tuple[ForecastErrors, float, float, int, float]:
    """Return the forecast errors and, see `_Source`, their scale, shift, first and weight.

    The weight is relative to a history whose ends have this `variance`.
    """
    found = history.forecast_errors(track)
    refresh = history.refresh
    forecast = track.forecast(refresh, by_speed=found.by_speed) + refresh
    shift = elapsed - track.anchor_at + refresh
    odds = forecast * forecast * found.variance / variance
    weight = (1.0 - _DOUBT) / (1.0 + odds * odds) / len(found.ratios)
    return found, forecast, shift, bisect_right(found.ratios, shift / forecast), weight


def _doubtful_tail(history: ClassHistory, elapsed: float) -> float:
    """Return twice the mean remaining time of a job about which nothing is known."""
    interval = history.pace.poll_interval
    usual = history.durations.median or _USUAL * interval
    age = elapsed / (_OLD * usual)
    return 2 * usual if age < 1 else min(2 * usual * age * age, _NO_END * interval)


def _solve(
    sources: list[_Source],
    doubt: float,
    tail: float,
    worth: float,
    gap: float,
    low: float,
    longest: float,
) -> float:
    """Return the gap whose expected delay is `worth`, from `low` to `longest`; `gap` is a guess.

    The delay is convex, so Newton's steps from a guess above descend without overshooting.
    Doubt is a Pareto distribution, where a gap means a delay of gap² / (tail + gap).
    """
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
