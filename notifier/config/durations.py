"""Parsing and formatting of durations: a number of seconds, or a number with its unit.

One number and one unit: "90m", not "1h30m". What `format_duration` returns can be parsed again.
"""

import re

from notifier.config.bad_value import BadValueError

LONGEST = 10 * 365 * 86400.0
"""The longest duration that is accepted, in seconds: ten years. Anything longer is a typo."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WRITTEN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ms|s|m|h|d)")
_HINT = 'write seconds, or text such as "500ms", "20s", "5m", "2h" or "3d"'


class DurationError(BadValueError):
    """A value that is no duration."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, quotable=True)


def parse_duration(value: object) -> float:
    """Return a duration in seconds, from a number of seconds or text such as "5m".

    Raises DurationError for anything else, and for what is negative or above `LONGEST`.
    """
    if isinstance(value, str):
        seconds = _parse_text(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value
    else:
        raise DurationError("must be a duration", _HINT)
    if not seconds >= 0:  # which NaN is not either
        raise DurationError("must be a duration of zero or more", _HINT)
    if seconds > LONGEST:
        raise DurationError("must be a duration of at most ten years", _HINT)
    return float(seconds)


def _parse_text(text: str) -> float:
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise DurationError("must be a duration", _HINT)
    number, unit = written.groups()
    # dividing keeps "100ms" at 0.1, which multiplying by 0.001 would not always
    return float(number) / 1000 if unit == "ms" else float(number) * _UNITS[unit]


def format_duration(seconds: float) -> str:
    """Return `seconds` in the largest unit that needs no fraction, exact to the microsecond."""
    if 0 < seconds < 1:
        return f"{_plain(seconds * 1000)}ms"
    for unit in ("d", "h", "m"):
        if seconds and seconds % _UNITS[unit] == 0:
            return f"{_plain(seconds / _UNITS[unit])}{unit}"
    return f"{_plain(seconds)}s"


def _plain(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
