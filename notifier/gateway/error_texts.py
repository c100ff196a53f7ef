"""Finds the texts in which an error body says what is wrong.

They stand in an object in `error` or `detail`, in a list of such objects, in a bare text, or in
another gateway's JSON answer that is quoted inside a message. Their number and length are bounded,
because searching them blocks the event loop.
"""

from collections.abc import Iterator
from itertools import islice

from notifier.gateway.decode import UnreadableError, decode
from notifier.model.video import Json

MOST = 8
"""How many texts of one body are looked at."""

_LONGEST = 2000
_MAX_DEPTH = 5
_FIELDS = ("code", "type", "message", "detail", "error", "errors", "msg", "error_msg")


def error_texts(value: Json) -> list[str]:
    """Return the texts of an error body: at most `MOST` texts of at most 2,000 characters."""
    return list(islice(_texts(value, _MAX_DEPTH), MOST))


def _texts(value: Json, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    match value:
        case str():
            text = value[:_LONGEST]
            yield text
            yield from _texts(_quoted(text), depth - 1)
        case dict():
            for name in _FIELDS:
                yield from _texts(value.get(name), depth - 1)
        case list():
            for item in value[:MOST]:
                yield from _texts(item, depth - 1)


def _quoted(text: str) -> Json:
    """Return the JSON object that a text quotes, None if there is none that can be read."""
    begin, end = text.find("{"), text.rfind("}")
    if not 0 <= begin < end:
        return None
    try:
        return decode(text[begin : end + 1].encode())
    except UnreadableError:
        return None
