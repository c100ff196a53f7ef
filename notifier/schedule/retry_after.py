"""Parsers of the headers in which a peer asks for a wait before the next request.

`Retry-After` (RFC 9110, 10.2.3) is a number of seconds or a date in one of three formats. Peers
send both, and also dates in the past, waits of years and plain nonsense. Nonsense counts as no
header, and a wait is capped at ten years: the caller decides how much of it to honour. `int()`
and `strptime` are not used, since they also take `1_000`, Arabic digits and the month names of
the machine's language.
"""

import re
from datetime import UTC, datetime

LONGEST = 10 * 365 * 24 * 3600.0
"""The longest wait ever returned, in seconds: ten years."""

_NUMBER = re.compile(r"([0-9]+)(\.[0-9]+)?")
_MORE_THAN_LONGEST = 15
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-5][0-9]|60)"
_ZONE = r"(?:GMT|UTC|[+-]0000)"  # Go's time.RFC1123 writes UTC
_DATES = [
    re.compile(pattern, re.IGNORECASE | re.ASCII)
    for pattern in (
        rf"[a-z]{{3}}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} {_ZONE}",
        rf"[a-z]{{6,9}}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} {_ZONE}",
        rf"[a-z]{{3}} {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})",
    )
]


def parse_retry_after(value: str, now: float) -> float | None:
    """Return the seconds from `now` (Unix seconds) that a `Retry-After` asks for.

    A date in the past gives 0, and nothing gives more than LONGEST. None if `value` is neither
    a number of seconds nor a date.
    """
    text = value.strip(" \t")
    seconds = _longest_of(text.split(","))
    if seconds is None:
        moment = _date(text, now)
        seconds = None if moment is None else max(moment - now, 0.0)
    return None if seconds is None else min(seconds, LONGEST)


def parse_poll_after_ms(value: str) -> float | None:
    """Return the seconds that an `openai-poll-after-ms` asks for; None if it is no number."""
    milliseconds = _number(value.strip(" \t"))
    return None if milliseconds is None else min(milliseconds / 1000, LONGEST)


def _longest_of(texts: list[str]) -> float | None:
    """Read the largest of several numbers: a proxy may have added a header of its own."""
    numbers = [number for text in texts if (number := _number(text.strip(" \t"))) is not None]
    return max(numbers) if len(numbers) == len(texts) else None


def _number(text: str) -> float | None:
    """Read plain decimal digits; a fraction is outside the RFC, but sent and clear."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None
    whole, fraction = match[1].lstrip("0"), match[2] or ""
    if len(whole) > _MORE_THAN_LONGEST:
        whole, fraction = "9" * _MORE_THAN_LONGEST, ""
    return float(f"{whole or 0}{fraction[:_MORE_THAN_LONGEST]}")


def _date(text: str, now: float) -> float | None:
    """Read an HTTP-date as Unix seconds."""
    found = next((match for date in _DATES if (match := date.fullmatch(text))), None)
    if found is None:
        return None
    part = {name: int(digits) for name, digits in found.groupdict().items() if name != "month"}
    if len(found["year"]) == 2:  # noqa: PLR2004 - RFC 850 wrote years with two digits
        part["year"] = _full_year(part["year"], datetime.fromtimestamp(now, UTC).year)
    part["second"] = min(part["second"], 59)  # a leap second may be written as 60
    month = _MONTHS.index(found["month"].lower()) + 1
    try:
        return datetime(**part, month=month, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _full_year(short: int, this_year: int) -> int:
    """Return the last year ending in `short` that is at most 50 years ahead (RFC 9110, 5.6.7)."""
    latest = this_year + 50
    return latest - (latest - short) % 100
