"""The sample of one finished job, from which the schedule learns for jobs of its class."""

from dataclasses import dataclass
from typing import NamedTuple


class JobClass(NamedTuple):
    """Jobs that are expected to take about as long; "" stands for an unknown part."""

    gateway: str
    model: str = ""
    seconds: str = ""
    size: str = ""


@dataclass(frozen=True, slots=True)
class JobSample:
    """How one job went, from beginning to end; everything is in seconds.

    `duration` is how long it took. `gap` is how much earlier the end may really have been: the
    time between the last answer that showed it running and the first that showed its end, 0 when
    the gateway reported the moment. `requests` is the number of its polls, None if part of its
    time was not watched. `readings` are (seconds since its beginning, progress).
    """

    job_class: JobClass
    duration: float
    gap: float = 0.0
    requests: int | None = None
    readings: tuple[tuple[float, int], ...] = ()
