"""How far the forecasts from progress were off, for the jobs of one class.

Progress is a claim: it may be even, slow at first, end at 60 or never move. So a forecast is
corrected by what became of the forecasts for past jobs that had come as far.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from notifier.model.job_sample import JobSample
from notifier.schedule.progress_track import MOST_READINGS, ProgressTrack

_REMEMBERED = 24
"""How many past readings are remembered per band: the newest."""

_ENOUGH = 8
"""With fewer in a band, those of the bands around it are asked as well."""

_FEWEST = 4
"""With fewer in all, _UNTAUGHT is believed."""

_UNTAUGHT = (0.4, 0.6, 0.8, 1.0, 1.0, 1.25, 1.6, 2.2)
"""What a forecast is worth before anything was learned: right within a factor of two or so."""

_RENEWED = 3
"""After so many new readings in a full band its corrections are worked out anew."""

_BAND_OF = (*((progress + 3) // 4 for progress in range(96)), 25, 26, 27, 28, 29)
_BANDS = 30


class ForecastErrors:
    """The ratios of the time that had remained to the time that was forecast, sorted.

    Both times have the refresh time added, so that a forecast of nothing can be corrected, too.
    `sums[i]` is the sum of the first i ratios, `variance` tells how far they are spread, and
    `by_speed` which kind of forecast they are for.
    """

    __slots__ = ("_excesses", "by_speed", "ratios", "sums", "variance")

    def __init__(self, ratios: Sequence[float], *, by_speed: bool) -> None:
        count = len(ratios)
        self.by_speed = by_speed
        self.ratios = sorted(ratios)
        self.sums = list(accumulate(self.ratios, initial=0.0))
        mean = self.sums[-1] / count
        # that a few agree is no proof
        doubt = 1 / count**2
        self.variance = sum((ratio - mean) ** 2 for ratio in ratios) / count + doubt
        self._excesses = [
            (i * ratio - below) / count
            for i, (ratio, below) in enumerate(zip(self.ratios, self.sums, strict=False))
        ]

    def inaccuracy(self) -> float:
        """Return how far off corrected forecasts are: their variance, relative to themselves."""
        mean = self.sums[-1] / len(self.ratios)
        return self.variance / (mean * mean)

    def exceeding(self, excess: float) -> float:
        """Return the number that exceeds the ratios below it by `excess`, on average over all."""
        below = bisect_right(self._excesses, excess)
        return (excess * len(self.ratios) + self.sums[below]) / below


class ForecastErrorTable:
    """The corrections of one class, by how far a job has come and whether it has a speed."""

    def __init__(self, refresh: float) -> None:
        self._refresh = refresh
        self._bands: dict[int, array[float]] = {}
        self._news: dict[int, int] = {}
        self._worked_out: dict[int, ForecastErrors] = {}
        self._borrowed: set[int] = set()

    def learn(self, sample: JobSample) -> None:
        """Go through a finished job's readings and see what the forecasts were worth."""
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

    def corrections(self, track: ProgressTrack) -> ForecastErrors:
        """Return what to correct the forecasts for a job with an anchor by."""
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
            return ForecastErrors(_UNTAUGHT, by_speed=False)
        by_age = ForecastErrors(pairs[::2], by_speed=False)
        by_speed = ForecastErrors(pairs[1::2], by_speed=True)
        return min(by_age, by_speed, key=ForecastErrors.inaccuracy)

    def _near(self, band: int) -> "array[float]":
        """Return the readings of a band, and of those around it while they are too few."""
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
    """Return which band a job is in: four percent wide, near the end one percent."""
    return _BAND_OF[track.anchor] + (_BANDS if track.has_speed else 0)
