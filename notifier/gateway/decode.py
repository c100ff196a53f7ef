"""Decodes JSON from outside, which may be huge, deep or impossible to encode again.

Its texts are cleaned here, once (`notifier.texts.cleaning`): what leaves the decoder can be shown.
"""

import json
import math
import re
from typing import Any

from pydantic_core import from_json

from notifier.model.video import Json
from notifier.texts.cleaning import clean_text, without_hidden

_MAX_DEPTH = 50
# Deeper values become null: an encoder with less stack left could not write them again.
_MAX_VALUES = 20_000
# A megabyte can hold a third of a million values, and decoding blocks the event loop.
_MAX_DIGITS = 308
_DOUBLE = 10**_MAX_DIGITS
# The range of a double: receivers in some languages refuse an event with a larger number.

_MAY_BE_UNCLEAN = re.compile(
    rb"[\x7f\0]|\\(?:[bfr]|u(?:00[0189]|007|061|180|20[026]|[fF][eEfF]|[dD][bB]))"
    rb"|\xc2[\x80-\x9f]|\xd8\x9c|\xe1\xa0\x8e|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]"
    rb"|\xef[\xb8\xbb\xbf]|\xf3\xa0"
)
# Every character that `clean_text` may remove, as it stands in JSON; most bodies have none.


class UnreadableError(ValueError):
    """The bytes are not JSON, or JSON beyond the bounds; the message quotes nothing."""


def decode(body: bytes) -> Json:
    """Return the value in `body`: every text encodable, every number finite, nothing too deep.

    A number too large for a double becomes null, like NaN. Raises UnreadableError for bad UTF-8,
    for nesting that is too deep to decode, and for more than 20,000 values.
    """
    value = decode_quickly(body)
    return value if is_harmless([value]) else _decode_carefully(body)


def decode_quickly(body: bytes) -> Json:
    """Return the value in `body`, unchecked; the caller checks what it keeps with `is_harmless`.

    It saves time on long lists of which little is kept. Raises UnreadableError as `decode` does.
    """
    if _has_too_many_values(body):
        raise UnreadableError("too many values in the JSON")
    try:
        value = from_json(body)
    except ValueError:
        return _decode_carefully(body)  # it accepts more (lone surrogates, UTF-16), or raises
    return _cleaned(value) if _may_be_unclean(body) else value


def is_plain(body: bytes) -> bool:
    """Return whether parts of `body` may be decoded by `decode_part`."""
    return not _has_too_many_values(body) and not _may_be_unclean(body)


def decode_part(part: bytes) -> Json:
    """Return the value in a part of a body that `is_plain`, unchecked as by `decode_quickly`.

    Raises UnreadableError for what is no JSON by itself.
    """
    try:
        return from_json(part)
    except ValueError:
        raise UnreadableError("not JSON") from None


def is_harmless(value: list[Json] | dict[str, Json], depth: int = _MAX_DEPTH) -> bool:
    """Return whether everything in a quickly decoded value can be stored and encoded again."""
    for item in value.values() if isinstance(value, dict) else value:
        kind = type(item)
        if kind is str or item is None or kind is bool:
            continue
        if kind is int:
            harmless = -_DOUBLE < item < _DOUBLE
        elif kind is float:
            harmless = math.isfinite(item)
        else:
            harmless = depth > 0 and is_harmless(item, depth - 1)
        if not harmless:
            return False
    return True


def _has_too_many_values(body: bytes) -> bool:
    # a body with fewer bytes than that cannot hold more values
    return len(body) > _MAX_VALUES and sum(map(body.count, (b",", b"[", b"{"))) > _MAX_VALUES


def _may_be_unclean(body: bytes) -> bool:
    # without these bytes, which is quick to see, the pattern has nothing to find
    plain = body.isascii() and b"\\" not in body and b"\x7f" not in body and b"\0" not in body
    return not plain and _MAY_BE_UNCLEAN.search(body) is not None


def _decode_carefully(body: bytes) -> Json:
    try:
        return _scrubbed(
            json.loads(body, parse_int=_whole, parse_float=_finite, parse_constant=_no_number)
        )
    except RecursionError:
        raise UnreadableError("JSON nested too deeply") from None
    except ValueError:
        raise UnreadableError("not JSON") from None


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits.lstrip("-")) <= _MAX_DIGITS else None


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _no_number(_name: str) -> None:
    return None


def _cleaned(value: Json) -> Json:
    """Return a value that is at most as deep as the decoder allows, its texts cleaned."""
    match value:
        case str():
            return without_hidden(value)
        case dict():
            return {without_hidden(name): _cleaned(item) for name, item in value.items()}
        case list():
            return [_cleaned(item) for item in value]
        case _:
            return value


def _scrubbed(value: Any, depth: int = 0) -> Json:  # noqa: ANN401 - what json.loads returns
    match value:
        case str():
            return clean_text(value)
        case dict() | list() if depth >= _MAX_DEPTH:
            return None
        case dict():
            return {clean_text(key): _scrubbed(item, depth + 1) for key, item in value.items()}
        case list():
            return [_scrubbed(item, depth + 1) for item in value]
        case _:
            return value
