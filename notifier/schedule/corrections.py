"""How far the forecasts from progress were off, for jobs of a class.

Progress is a claim: it may be linear, slow at first, end at 60 or never move. So a forecast is
corrected by what became of the forecasts of past jobs that had come as far.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from notifier.model.lesson import Lesson
from notifier.schedule.course import MOST_READINGS, Course

_REMEMBERED = 24
"""How many past readings are remembered per band; the newest count."""

_ENOUGH = 8
"""With fewer in its own band, those of the bands around are asked as well."""

_FEWEST = 4
"""With fewer in all, _UNTAUGHT is what is believed."""

_UNTAUGHT = (0.4, 0.6, 0.8, 1.0, 1.0, 1.25, 1.6, 2.2)
"""What a forecast is worth before anything was learned: a factor of two both ways."""

_RENEWED = 3
"""So many new readings in a full band before its corrections are worked out anew."""

_BANDS = 30


class Corrections:
    """What the time that remained was divided by the forecast, sorted.

    `sums[i]` is the sum of the first i ratios, `variance` is how far they are spread, and
    `by_speed` tells which of the two forecasts they are for. Both times have the refresh time
    added, so that a forecast of nothing can be corrected, too.
    """

    __slots__ = ("by_speed", "_excesses", "mean", "ratios", "sums", "variance")

    def __init__(self, ratios: Sequence[float], *, by_speed: bool) -> None:
        self.ratios = sorted(ratios)
        self.sums = list(accumulate(self.ratios, initial=0.0))
        self.mean = self.sums[-1] / len(ratios)
        # a few that agree by chance are no proof
        self.variance = 1 / len(ratios) ** 2 + sum((r - self.mean) ** 2 for r in ratios) / len(
            ratios
        )
        self.by_speed = by_speed
        n = len(ratios)
        self._excesses = [(i * r - self.sums[i]) / n for i, r in enumerate(self.ratios)]

    def reaching(self, excess: float) -> float:
        """Return the ratio that exceeds these, on average over all, by `excess`."""
        k = bisect_right(self._excesses, excess)
        return (excess * len(self.ratios) + self.sums[k]) / k

    @property
    def inaccuracy(self) -> float:
        """How far off the corrected forecast is, squared and relative to itself."""
        return self.variance / (self.mean * self.mean)


class CorrectionBook:
    """The corrections of one class, by how far a job has come and whether it has a speed."""

    def __init__(self, refresh: float) -> None:
        self._refresh = refresh
        self._bands: dict[int, "array[float]"] = {}
        self._news: dict[int, int] = {}
        self._worked_out: dict[int, Corrections] = {}
        self._borrowed: set[int] = set()

    def learn(self, lesson: Lesson) -> None:
        """Go through a finished job's readings and see what the forecasts were worth."""
        course, before = Course(), -1.0
        end = lesson.duration - lesson.gap / 2
        for elapsed, progress in lesson.readings[:MOST_READINGS]:
            course.note(elapsed, progress)
            if course.anchor and course.anchor_at != before:
                before = course.anchor_at
                self._add(course, max(end - elapsed, 0.0) + self._refresh)
        for band in self._borrowed:
            del self._worked_out[band]
        self._borrowed.clear()

    def corrections(self, course: Course) -> Corrections:
        """Return what to correct the forecasts of a job by; it has an anchor."""
        band = _band(course)
        found = self._worked_out.get(band)
        if found is None:
            found = self._worked_out[band] = self._work_out(band)
        return found

    def _add(self, course: Course, remained: float) -> None:
        band, refresh = _band(course), self._refresh
        pairs = self._bands.setdefault(band, array("d"))
        pairs.append(remained / (course.forecast(False, refresh) + refresh))
        pairs.append(remained / (course.forecast(True, refresh) + refresh))
        news = self._news[band] = self._news.get(band, 0) + 1
        full = len(pairs) > 2 * _REMEMBERED
        if full:
            del pairs[:2]
        if (not full or news >= _RENEWED) and band not in self._borrowed:
            self._news[band] = 0
            self._worked_out.pop(band, None)

    def _work_out(self, band: int) -> Corrections:
        pairs = self._near(band)
        if len(pairs) < 2 * _FEWEST:
            return Corrections(_UNTAUGHT, by_speed=False)
        by_age = Corrections(pairs[::2], by_speed=False)
        by_speed = Corrections(pairs[1::2], by_speed=True)
        return min(by_age, by_speed, key=lambda found: found.inaccuracy)

    def _near(self, band: int) -> "array[float]":
        """Return the readings of a band, and of those around while they are too few."""
        pairs = array("d", self._bands.get(band, ()))
        if len(pairs) < 2 * _ENOUGH:
            self._borrowed.add(band)
        for away in range(1, _BANDS):
            if len(pairs) >= 2 * _ENOUGH:
                break
            for other in (band - away, band + away):
                if other // _BANDS == band // _BANDS:
                    pairs.extend(self._bands.get(other, array("d"))[-2 * _ENOUGH :])
        return pairs


def _band(course: Course) -> int:
    """Return the number of the band that a job is in: four percent wide, the last five one."""
    progress = course.anchor
    band = (progress + 3) // 4 if progress < 96 else progress - 71
    return band + _BANDS if course.has_speed else band
