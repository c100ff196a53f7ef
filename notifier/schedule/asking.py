"""When to ask about a job again: as soon as waiting longer would cost more than a request.

The end of a job is not known, but there are samples of when it may come: what its progress
forecasts, corrected by how such forecasts turned out before; how long past jobs of its class
took; and a little doubt about both. Over them, the delay that a gap means is
`mean(max(0, now + gap - end))`: 0 while nothing can happen, and growing the faster the more
likely the job has ended. The next question is asked when that delay has reached the worth of a
request, which a thermostat sets so that the class keeps to its budget
(`notifier.schedule.thermostat`). So requests go where ends are likely and nowhere else.

Samples that time has passed by are dropped, and what they weighed is lost to their source: a
stalled or lying progress loses to history, and both to doubt, with which the gaps grow.

The weights and sizes were found with `tests/benchmarks/schedule`; all of them can be doubled or
halved without much harm.
"""

from bisect import bisect_right
from collections.abc import Sequence

from notifier.schedule.backoff import SPREAD
from notifier.schedule.course import Course
from notifier.schedule.history import SAMPLES_PER_JOB
from notifier.schedule.lessons import Lessons

FORECAST_SPREAD = 0.05
"""How much jitter a forecast gap bears: more costs lag, and jobs differ enough by themselves."""

_DOUBT = 0.02
"""The weight of neither progress nor history being right: then a job may end at any time."""

_USUAL = 6
"""How many poll intervals a job takes of which nothing is known: 120 s at 20 s."""

_OLD = 5
"""From so many usual durations on, a job is taken to be stuck, the surer the older it is."""

_PATIENCE = 30
"""From so many poll intervals on, a job of a new class is asked about less and less often."""

_STRETCH = 1.5
"""A forecast stretches the gaps of a new class no further than this, in poll intervals."""

_AHEAD, _AHEAD_IF_NEW = 6, 2
"""The most requests that a job is ahead of one per poll interval, the first one included."""

_MOST_STEPS = 20
_CLOSE = 0.03

_Source = tuple[Sequence[float], Sequence[float], float, float, int, float]
"""Samples of the end of a job: `values` and `sums` of them as in `History`, the `scale` from
values to seconds, the `shift` from gaps to values in seconds, the `first` value that has not
passed, and the weight of each."""


def next_gap(course: Course, lessons: Lessons, elapsed: float) -> float:
    """Return the seconds until the next question about a job that is `elapsed` seconds old.

    Between the pace's shortest and longest gap. Jitter, errors and the gateway's own hints are
    for the caller to mind; see `spread`.
    """
    pace = lessons.pace
    ahead = _AHEAD
    if not lessons.new:
        gap = _worthwhile(course, lessons, elapsed)
    else:
        ahead = _AHEAD_IF_NEW
        gap = max(pace.poll_interval, elapsed / _PATIENCE)
        if course.anchor:
            gap = min(_STRETCH * gap, _worthwhile(course, lessons, elapsed))
    soonest = course.first_at + (course.requests + 1 - ahead) * pace.poll_interval - elapsed
    if gap < soonest:
        gap = soonest
    if gap < pace.min_poll_interval:
        return pace.min_poll_interval
    return gap if gap < lessons.longest else lessons.longest


def spread(course: Course, lessons: Lessons) -> float:
    """Return by what share of itself the next gap may be stretched or shrunk at random.

    Where nothing is forecast all gaps are the same, and only jitter keeps jobs apart.
    """
    return SPREAD if lessons.new and not course.anchor else FORECAST_SPREAD


def _worthwhile(course: Course, lessons: Lessons, elapsed: float) -> float:
    """Return the gap after which a request is worth its while."""
    history = lessons.history
    ends = history.ends
    ended = bisect_right(ends, elapsed)
    left = len(ends) - ended
    doubt = mass = _DOUBT
    rest = 1.0 - _DOUBT
    sources: list[_Source] = []
    guess = lessons.pace.poll_interval
    ahead = 0
    if course.anchor:
        found = lessons.corrections(course)
        refresh = lessons.refresh
        forecast = course.forecast(found.by_speed, refresh) + refresh
        known = bisect_right(ends, course.anchor_at, 0, ended)
        odds = forecast * forecast * found.variance / history.variances[known]
        believed = rest / (1.0 + odds * odds)
        rest -= believed
        if left:
            rest *= left / (len(ends) - known)
        ratios = found.ratios
        shift = elapsed - course.anchor_at + refresh
        first = bisect_right(ratios, shift / forecast)
        ahead = len(ratios) - first
        if ahead:
            weight = believed / len(ratios)
            mass += weight * ahead
            sources.append((ratios, found.sums, forecast, shift, first, weight))
    if left and rest > NEGL:
        mass += rest
        weight = rest / (left + SAMPLES_PER_JOB)
        doubt += weight * SAMPLES_PER_JOB
        sources.append((ends, history.sums, 1.0, elapsed, ended, weight))
    usual = history.median or _USUAL * lessons.pace.poll_interval
    age = elapsed / (_OLD * usual)
    if age > 1:
        usual *= age * age
    worth = lessons.worth * mass
    if ahead:
        guess = forecast * found.reaching(worth / (believed * forecast)) - shift
    return _solve(sources, doubt, 2 * usual, worth, guess, lessons)

NEGL = .01

def _solve(sources, doubt, tail, worth, gap, lessons):
    low, longest = lessons.pace.min_poll_interval, lessons.longest
    capped = False
    if gap < low:
        gap = low
    elif gap > longest:
        gap = longest
    for _ in range(_MOST_STEPS):
        rest = tail / (tail + gap)
        delay = doubt * gap * (1.0 - rest)
        chance = doubt * (1.0 - rest * rest)
        for values, sums, scale, shift, first, weight in sources:
            until = gap + shift
            k = bisect_right(values, until / scale, first)
            if k > first:
                delay += weight * ((k - first) * until - scale * (sums[k] - sums[first]))
                chance += weight * (k - first)
        step = (delay - worth) / chance
        gap -= step
        if gap < low:
            return low
        if -_CLOSE * gap < step < _CLOSE * gap:
            return gap
        if gap > longest:
            if capped:
                return longest
            gap, capped = longest, True
    return gap
