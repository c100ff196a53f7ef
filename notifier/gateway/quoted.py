r"""Finds JSON that a text quotes, such as an upstream's answer in a proxy's error message.

Quotations come as JSON, with or without a sentence around it, and as the `repr` of a Python
object: `Error code: 404 - {'error': {'message': …}}` is what the `openai` SDK writes. Quotes may
be escaped once more than the text around needs, as `{\"error\": …}` or `{&quot;error&quot;: …}`,
because a proxy put the text into a literal. Work is bounded: the first 16,000 characters of a
text, four places at which a quotation may begin, and three further levels of escapes.
"""

import ast
import html
import json
import re
import warnings
from collections.abc import Iterator

from notifier.gateway.decode import UnreadableError, decode
from notifier.model.video import Json

_LONGEST = 16_000
_PLACES = 4
_LONGEST_REPR = 4000
_MOST_ESCAPES = 3
_BEGIN = re.compile(r"[\[{](?=\s*[\[{\"'])")
_ESCAPED_QUOTE = re.compile(r"\\[\"']|\\u002[27]|&(?:quot|#0?3[49]|#x2[27]|apos);")
_ESCAPE = re.compile(r"\\(?:([\"'\\/])|u00(22|27|5[cC]))")
_decoder = json.JSONDecoder()


def quoted_json(text: str) -> Iterator[tuple[Json, bool]]:
    """Yield the objects and lists that `text` quotes, each with whether it is the whole text."""
    if "{" not in text:
        return
    text = text[:_LONGEST]
    for _ in range(_MOST_ESCAPES):
        found = list(_quoted_in(text))
        yield from found
        if found or _ESCAPED_QUOTE.search(text) is None:
            return
        text = _without_escapes(text)
    yield from _quoted_in(text)


def _without_escapes(text: str) -> str:
    """Return a text with one level of escapes less."""
    if "&" in text:
        text = html.unescape(text)
    return _ESCAPE.sub(lambda found: found[1] or chr(int(found[2], 16)), text)


def _quoted_in(text: str) -> Iterator[tuple[Json, bool]]:
    at = 0
    for _ in range(_PLACES):
        begin = _BEGIN.search(text, at)
        if begin is None:
            return
        found = _value_at(text, begin.start())
        if found is None:
            at = begin.start() + 1
            continue
        value, at = found
        yield value, not text[: begin.start()].strip() and not text[at:].strip()


def _value_at(text: str, begin: int) -> tuple[Json, int] | None:
    """Return the value that is quoted at `begin` and where it ends; None if there is none."""
    try:
        _, end = _decoder.raw_decode(text, begin)
        return decode(text[begin:end].encode()), end
    except (UnreadableError, ValueError, RecursionError):
        return _repr_at(text, begin)


def _repr_at(text: str, begin: int) -> tuple[Json, int] | None:
    end = _closing(text, begin)
    if end is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in foreign text
            value = ast.literal_eval(text[begin:end])
        return decode(json.dumps(value).encode()), end
    except (UnreadableError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _closing(text: str, begin: int) -> int | None:
    """Return where the bracket at `begin` is closed; brackets within quotes do not count."""
    depth, quote, at = 0, "", begin
    while at < min(len(text), begin + _LONGEST_REPR):
        character = text[at]
        if quote:
            if character == "\\":
                at += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1
    return None
