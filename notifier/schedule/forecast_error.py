"""How far forecasts from progress were off, for the jobs of one class.

Progress is a claim: it may be even, slow at first, end at 60 or never move. So a forecast is
corrected by the errors of the forecasts for past jobs with similar progress. Errors are kept in
bands of progress.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from notifier.model.job_sample import JobSample
from notifier.schedule.progress_track import MOST_READINGS, ProgressTrack

_REMEMBERED = 24
"""How many past errors are kept per band: the newest."""

_ENOUGH = 8
"""With fewer in a band, the errors of the bands around it are used as well."""

_FEWEST = 4
"""With fewer in all, _DEFAULT_RATIOS is used."""

_DEFAULT_RATIOS = (0.4, 0.6, 0.8, 1.0, 1.0, 1.25, 1.6, 2.2)
"""The errors that are assumed before any job has finished: a factor of about two either way."""

_RENEWED = 3
"""A full band is worked out again after so many new errors."""

_BAND_OF = (*((progress + 3) // 4 for progress in range(96)), 25, 26, 27, 28, 29)
_BANDS = 30


class ForecastErrors:
    """The sorted ratios of the time that really remained to the time that was forecast.

    Both times have the refresh time added, so that a forecast of zero can be corrected too.
    `sums[i]` is the sum of the first i ratios, `variance` is their spread, and `by_speed` says
    which kind of forecast they belong to.
    """

    __slots__ = ("_excesses", "by_speed", "ratios", "sums", "variance")

    def __init__(self, ratios: Sequence[float], *, by_speed: bool) -> None:
        count = len(ratios)
        self.by_speed = by_speed
        self.ratios = sorted(ratios)
        self.sums = list(accumulate(self.ratios, initial=0.0))
        mean = self.sums[-1] / count
        # agreement among few ratios is weak evidence
        doubt = 1 / count**2
        self.variance = sum((ratio - mean) ** 2 for ratio in ratios) / count + doubt
        self._excesses = [
            (i * ratio - below) / count
            for i, (ratio, below) in enumerate(zip(self.ratios, self.sums, strict=False))
        ]

    def inaccuracy(self) -> float:
        """Return how far off corrected forecasts are: their variance relative to their mean²."""
        mean = self.sums[-1] / len(self.ratios)
        return self.variance / (mean * mean)

    def exceeding(self, excess: float) -> float:
        """Return the number that exceeds the ratios below it by `excess`, on average over all."""
        below = bisect_right(self._excesses, excess)
        return (excess * len(self.ratios) + self.sums[below]) / below


class ForecastErrorTable:
    """The forecast errors of one class, by a job's progress and whether its speed is known."""

    def __init__(self, refresh: float) -> None:
        self._refresh = refresh
        self._bands: dict[int, array[float]] = {}
        self._news: dict[int, int] = {}
        self._worked_out: dict[int, ForecastErrors] = {}
        self._borrowed: set[int] = set()

    def learn(self, sample: JobSample) -> None:
        """Replay a finished job's readings and record the error of each forecast."""
        track, before = ProgressTrack(), None
        end = sample.duration - sample.gap / 2
        for elapsed, progress in sample.readings[:MOST_READINGS]:
            track.note(elapsed, progress)
            if track.anchor and track.anchor_at != before:
                before = track.anchor_at
                self._add(track, max(end - elapsed, 0.0) + self._refresh)
        for band in self._borrowed:
            self._worked_out.pop(band, None)
        self._borrowed.clear()

    def errors(self, track: ProgressTrack) -> ForecastErrors:
        """Return the errors to correct a job's forecasts by; the job must have an anchor."""
        band = _band(track)
        found = self._worked_out.get(band)
        if found is None:
            found = self._worked_out[band] = self._work_out(band)
        return found

    def _add(self, track: ProgressTrack, remained: float) -> None:
        band, refresh = _band(track), self._refresh
        pairs = self._bands.setdefault(band, array("d"))
        for by_speed in (False, True):
            pairs.append(remained / (track.forecast(refresh, by_speed=by_speed) + refresh))
        if len(pairs) > 2 * _REMEMBERED:
            del pairs[:2]
            self._news[band] = self._news.get(band, 0) + 1
            if self._news[band] < _RENEWED:
                return
            self._news[band] = 0
        self._worked_out.pop(band, None)

    def _work_out(self, band: int) -> ForecastErrors:
        pairs = self._near(band)
        if len(pairs) < 2 * _FEWEST:
            return ForecastErrors(_DEFAULT_RATIOS, by_speed=False)
        by_age = ForecastErrors(pairs[::2], by_speed=False)
        by_speed = ForecastErrors(pairs[1::2], by_speed=True)
        return min(by_age, by_speed, key=ForecastErrors.inaccuracy)

    def _near(self, band: int) -> "array[float]":
        """Return the errors of a band, with those of the bands around it while they are few."""
        pairs = array("d", self._bands.get(band, ()))
        if len(pairs) < 2 * _ENOUGH:
            self._borrowed.add(band)
        for away in range(1, _BANDS):
            if len(pairs) >= 2 * _ENOUGH:
                break
            for other in (band - away, band + away):
                if other in self._bands and other // _BANDS == band // _BANDS:
                    pairs.extend(self._bands[other][-2 * _ENOUGH :])
        return pairs


def _band(track: ProgressTrack) -> int:
    """Return a job's band: four percent wide, near the end one percent."""
    return _BAND_OF[track.anchor] + (_BANDS if track.has_speed else 0)
