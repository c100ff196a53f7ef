"""Readers of the protocol's fields: text, number, progress, timestamp, error.

Each takes any JSON value and returns a sane one. None means that the gateway gave no value, or one
that makes no sense.
"""

from datetime import UTC, datetime

from notifier.model.video import Json, VideoError

_YEAR_9999 = 253_402_300_800
_MILLISECONDS_FROM = 100_000_000_000
_MAX_NAME = 512
_MAX_MESSAGE = 1000
_MAX_DIGITS = 20
NO_CODES = frozenset({"0", "200", "success", "ok", ""})
"""Codes of errors that are none, lower case."""


def text(value: Json, longest: int = _MAX_NAME) -> str | None:
    """Read a text; numbers are taken as written (some gateways send `"seconds": 8`)."""
    if value is None:
        return None
    match value:
        case bool():
            return None
        case str():
            return value[:longest] or None
        case int() | float():
            number = int(value) if value == int(value) else value
            return str(number)[:longest] if abs(value) < 10**_MAX_DIGITS else None
        case _:
            return None


def number(value: Json) -> float | None:
    """Read a number, also from a text such as `"50%"`."""
    match value:
        case bool():
            return None
        case int() | float():
            return float(value) if abs(value) < 10**_MAX_DIGITS else None
        case str():
            digits = value.strip().removesuffix("%").strip()
            if len(digits) > _MAX_DIGITS or not digits.isascii() or "_" in digits:
                return None
            try:
                read = float(digits)
            except ValueError:
                return None
            return read if abs(read) < 10**_MAX_DIGITS else None
        case _:
            return None


def progress(value: Json) -> int | None:
    """Read a percentage as a whole number from 0 to 100; 0.45 is taken as 45 %."""
    if type(value) is int and 0 <= value <= 100:  # noqa: PLR2004 - per cent
        return value
    read = number(value)
    if read is None:
        return None
    percent = read * 100 if 0 < read < 1 else read
    return int(min(max(percent, 0), 100))


def timestamp(value: Json) -> int | None:
    """Read a time as Unix seconds; milliseconds and ISO 8601 are understood, 0 is "never"."""
    if value is None or (type(value) is int and 1 <= value < _MILLISECONDS_FROM):
        return value
    read = number(value)
    if read is None:
        return _iso(value)
    while read >= _MILLISECONDS_FROM:
        read /= 1000
    return int(read) if 1 <= read < _YEAR_9999 else None


def _iso(value: Json) -> int | None:
    if not isinstance(value, str) or len(value) > _MAX_NAME:
        return None
    try:
        written = value.strip().removesuffix(" UTC").replace("/", "-")
        moment = datetime.fromisoformat(written)
        # without a zone it is UTC, not the zone that this machine happens to be in
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return int(seconds) if 1 <= seconds < _YEAR_9999 else None


def error(value: Json) -> VideoError | None:
    """Read an `error`: an object, a text (OpenRouter), or nothing."""
    match value:
        case dict():
            read = VideoError(text(value.get("message"), _MAX_MESSAGE), text(value.get("code")))
            none = read.message is None and (read.code or "").lower() in NO_CODES
            return None if none else read
        case str() if value.strip():
            return VideoError(message=value[:_MAX_MESSAGE])
        case _:
            return None
