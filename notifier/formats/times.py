"""Writes moments and durations, given in seconds, for people and for JSON."""

from datetime import UTC, datetime
from functools import lru_cache

FIRST = 0
LAST = 253_402_300_799
"""The moments that a calendar can name: 1970 to the end of year 9999, in Unix seconds."""

LAST_DAY = LAST - 24 * 3600
"""Before this every moment can also be named in any time zone."""

_UNITS = (" d", " h", " min", " s")


def utc(seconds: int) -> datetime:
    """Return a moment in UTC; one outside the calendar becomes its first or last moment."""
    return datetime.fromtimestamp(min(max(seconds, FIRST), LAST), UTC)


@lru_cache(maxsize=16)
def iso(seconds: int) -> str:
    """Return a moment as ISO 8601 to the second, `2025-10-16T15:17:43Z`."""
    return f"{utc(seconds):%Y-%m-%dT%H:%M:%SZ}"


def duration(seconds: int, units: tuple[str, str, str, str] = _UNITS) -> str:
    """Return a duration of 0 seconds or more in its two largest units, `13 min 6 s`.

    `units` are what follows the number of days, hours, minutes and seconds.
    """
    minutes, s = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = list(zip((days, hours, minutes, s), units, strict=True))
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    (first, unit), *rest = parts[:2]
    return " ".join([f"{first}{unit}", *(f"{n}{name}" for n, name in rest if n)])
