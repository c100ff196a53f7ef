"""Made-up jobs: how long they take and what their gateway says on the way.

Progress is a whole number that the gateway renews every 5 s, as the reference page says, at
moments of the job's own; it never says 100 before the end.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

REFRESH = 5.0
NEVER = 24 * 3600.0
"""How long a stuck job is asked about: the daemon's default `give_up_after`."""

Shape = Callable[[float, int], float | None]
"""Progress by the share of its work that a job has done, and the number of the refresh."""

DURATIONS: dict[str, Callable[[Random], float]] = {
    "60-180 s": lambda rng: rng.uniform(60, 180),
    "83-253 s": lambda rng: rng.uniform(83, 253),
    "heavy tail": lambda rng: 120 * math.exp(rng.gauss(0, 0.8)),
    "60 or 240 s": lambda rng: rng.choice((60, 240)) * rng.uniform(0.85, 1.15),
}
COMPACT = ("60-180 s", "83-253 s", "60 or 240 s")
HEAVY = "heavy tail"


def _even(_: Random) -> Shape:
    return lambda share, _: 100 * share


def _convex(_: Random) -> Shape:
    return lambda share, _: 100 * share**2


def _concave(_: Random) -> Shape:
    return lambda share, _: 100 * share**0.5


def _stuck_at_99(rng: Random) -> Shape:
    """Reach 99 when 90-98 % of the time has passed."""
    return _up_to_99(rng.uniform(0.9, 0.98))


def _long_at_99(rng: Random) -> Shape:
    """Reach 99 when 70-95 % of the time has passed: nothing tells when in the rest it ends."""
    return _up_to_99(rng.uniform(0.7, 0.95))


def _up_to_99(reached: float) -> Shape:
    return lambda share, _: 99 * min(share / reached, 1)


def _noisy(rng: Random) -> Shape:
    """Be off by five percent or so, every time anew, and so also go backwards."""
    seed = rng.getrandbits(32)
    return lambda share, refresh: 100 * share + Random(seed + refresh).gauss(0, 5)


def _lying(rng: Random) -> Shape:
    """Bend as no other job of the class does, and end anywhere between 60 and 100."""
    bend, top = math.exp(rng.uniform(-math.log(2), math.log(2))), rng.uniform(60, 100)
    return lambda share, _: top * share**bend


def _jumpy(rng: Random) -> Shape:
    """Say 0, 30, 60 and 90, from any moments on."""
    jumps = sorted(rng.random() for _ in range(3))
    return lambda share, _: 30 * sum(jump <= share for jump in jumps)


def _none(_: Random) -> Shape:
    return lambda _, __: None


def _still(rng: Random) -> Shape:
    """Stand still somewhere."""
    stuck_at = rng.choice((0, 50, 99, None))
    return lambda _, __: stuck_at


SHAPES: dict[str, Callable[[Random], Shape]] = {
    "even": _even,
    "convex": _convex,
    "concave": _concave,
    "queue phase": _even,
    "stuck at 99": _stuck_at_99,
    "long at 99": _long_at_99,
    "noisy": _noisy,
    "lying": _lying,
    "jumpy": _jumpy,
    "none": _none,
}
SMOOTH = ("even", "convex", "concave", "queue phase", "stuck at 99")


@dataclass(frozen=True, slots=True)
class Job:
    """One job; `early` is by how much its whole-second `created_at` is before its beginning."""

    duration: float
    queued: float
    phase: float
    early: float
    shape: Shape

    @property
    def stuck(self) -> bool:
        """Whether it never ends."""
        return self.duration >= NEVER

    def at(self, elapsed: float) -> tuple[int | None, bool]:
        """Return progress, and whether the job is queued, so many seconds after it began."""
        if elapsed < self.queued:
            return 0, True
        refresh = math.floor((elapsed - self.phase) / REFRESH)
        worked = max(refresh * REFRESH + self.phase - self.queued, 0.0)
        said = self.shape(worked / (self.duration - self.queued), refresh)
        return None if said is None else max(0, min(99, int(said))), False


def make_job(durations: str, shape: str, rng: Random, stuck_share: float = 0.0) -> Job:
    """Make one up; a queue phase takes the first 10-50 % of the time."""
    stuck = rng.random() < stuck_share
    duration = NEVER if stuck else DURATIONS[durations](rng)
    return Job(
        duration=duration,
        queued=rng.uniform(0.1, 0.5) * duration if shape == "queue phase" and not stuck else 0.0,
        phase=rng.uniform(0, REFRESH),
        early=rng.random(),
        shape=_still(rng) if stuck else SHAPES[shape](rng),
    )
