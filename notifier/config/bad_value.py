"""The error for a value that may not be used, and the hints that go with it.

The error's text finishes the sentence that starts with the value's key path ("must be ...", "is
empty"). It does not repeat the value, which may be a secret under the wrong key; `quoted` decides
which values may be shown beside it.
"""

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from notifier.errors import Problem

_LONGEST_SHOWN = 60
_LONGEST_COMPARED = 64
_MOST_NAMED = 10
_LONGEST_QUOTED = 40
_SECRET_KEYS = ("url", "secret", "headers", "proxy", "token", "api_key")
_LIKE_SECRET = re.compile(r"(?<![A-Za-z0-9])(whsec_|sk-)[^\s'\"]*", re.IGNORECASE)
_PARTS = re.compile(r"[._-]")


class BadValueError(ValueError):
    """A value that may not be used; `hint` says what would make it right (may be empty).

    `quotable` tells that the value should be a name, a word of a closed set, a number or a
    duration, so that the error may repeat it where `quoted` permits.
    """

    def __init__(self, message: str, hint: str = "", *, quotable: bool = False) -> None:
        super().__init__(message)
        self.hint = hint
        self.quotable = quotable


def quoted(value: object, location: Sequence[int | str] = ()) -> str:
    """Return `value` as an error may repeat it, "" where it may not.

    A number, or a text of at most 40 printable characters. Never what starts like a secret, and
    nothing under a key that may hold one.
    """
    keys = (part.lower() for part in location if isinstance(part, str))
    if any(key.endswith(_SECRET_KEYS) for key in keys):
        return ""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            shown = repr(value)
        case str() if value.isprintable() and not _LIKE_SECRET.search(value):
            shown = f'"{value}"'
        case _:
            return ""
    return shown if len(shown.strip('"')) <= _LONGEST_QUOTED else ""


def without_secrets(text: str) -> str:
    """Return `text` with only the start of what starts like a secret: `whsec_…`."""
    return _LIKE_SECRET.sub(r"\1…", text)


def shown_name(name: str) -> str:
    """Return a key or name as an error may repeat it.

    It has no control characters, is at most 60 characters long and holds nothing that starts like
    a secret.
    """
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    shown = without_secrets(printable)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


def did_you_mean(written: object, known: Collection[str]) -> str:
    """Return a hint with the known name nearest to what was written, or "" if none is near.

    Near is also the only name that has it as a part: `id` for `video_id`.
    """
    if not isinstance(written, str):
        return ""
    near = get_close_matches(written[:_LONGEST_COMPARED], known, n=1)
    if not near:
        near = [name for name in known if written in _PARTS.split(name)]
    return f"did you mean `{shown_name(near[0])}`?" if len(near) == 1 else ""


def which_name(written: object, known: Collection[str], kind: str) -> str:
    """Return a hint for a name that is not among the `known` ones of its `kind`."""
    if not known:
        return f"no {kind} is configured"
    listed = ", ".join(shown_name(name) for name in list(known)[:_MOST_NAMED])
    more = ", ..." if len(known) > _MOST_NAMED else ""
    return did_you_mean(written, known) or f"configured: {listed}{more}"


def unknown_name(kind: str, written: str, known: Collection[str]) -> str:
    """Return the sentence for a `written` name that is not among the `known` ones of its kind."""
    shown = quoted(written)
    named = f"there is no {kind} {shown}" if shown else f"there is no such {kind}"
    return f"{named} ({which_name(written, known, kind)})"


def explained(error: BadValueError, value: object) -> str:
    """Return the whole sentence about a bad value outside a file: quoted, with its hint."""
    shown = quoted(value) if error.quotable else ""
    problem = Problem("", "", str(error), error.hint, shown)
    return str(problem).removeprefix(": ")
