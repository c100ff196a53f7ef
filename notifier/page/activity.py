"""How gateways and endpoints did in each minute of the last hour, for the sparklines.

The numbers are read from the counters of the metrics once a minute, so that counting costs
nothing more. A daemon that started later knows less.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import trio

from notifier.model.views import Row

MINUTES = 60
_MINUTE = 60.0
_HEIGHT = 20

Totals = Mapping[str, tuple[int, int]]
"""How often each was asked, and how often in vain, since the daemon started."""


@dataclass(slots=True)
class Activity:
    """Keeps the activity of the last hour of what `totals` counts."""

    totals: Callable[[], Totals]
    _minutes: deque[dict[str, tuple[int, int]]] = field(
        default_factory=lambda: deque(maxlen=MINUTES)
    )
    _before: dict[str, tuple[int, int]] = field(default_factory=dict)

    async def run(self) -> None:
        """Take the numbers of each minute, for ever."""
        while True:
            await trio.sleep(_MINUTE)
            self.end_minute()

    def end_minute(self) -> None:
        """Keep what came since the last minute ended."""
        now = dict(self.totals())
        self._minutes.append(self._since(now))
        self._before = now

    def _since(self, now: Totals) -> dict[str, tuple[int, int]]:
        before = self._before
        return {
            name: (done - before.get(name, (0, 0))[0], failed - before.get(name, (0, 0))[1])
            for name, (done, failed) in now.items()
        }

    def row(self, name: str) -> Row:
        """Return the last hour of one, with the minute that is under way at its end."""
        minutes = [*self._minutes, self._since(self.totals())][-MINUTES:]
        numbers = [minute.get(name, (0, 0)) for minute in minutes]
        most = max((done for done, _ in numbers), default=0)
        return {
            "requests": sum(done for done, _ in numbers),
            "failures": sum(failed for _, failed in numbers),
            "all": _bars([done for done, _ in numbers], most),
            "failed": _bars([failed for _, failed in numbers], most),
        }


def _bars(numbers: list[int], most: int) -> str:
    """Return an SVG path with a bar for each minute, the latest one at the right."""
    left = MINUTES - len(numbers)
    return "".join(
        f"M{left + place} {_HEIGHT}v-{max(round(_HEIGHT * number / most, 1), 1):g}"
        for place, number in enumerate(numbers)
        if number
    )
