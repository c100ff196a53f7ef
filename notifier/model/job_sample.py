"""What one finished job taught about the jobs like it."""

from dataclasses import dataclass
from typing import NamedTuple


class JobClass(NamedTuple):
    """Jobs that are expected to take about as long; "" is what the gateway did not tell."""

    gateway: str
    model: str = ""
    seconds: str = ""
    size: str = ""


@dataclass(frozen=True, slots=True)
class JobSample:
    """How one job went, from beginning to end; everything is in seconds.

    `duration` is how long it took. `gap` is how far back from there the end may really have
    been: the time between the last answer that saw it running and the one that saw its end, 0
    when the gateway told the moment. `requests` is how many times it was asked about, None if
    part of its time was not watched. `readings` are (seconds since its beginning, progress).
    """

    job_class: JobClass
    duration: float
    gap: float = 0.0
    requests: int | None = None
    readings: tuple[tuple[float, int], ...] = ()
