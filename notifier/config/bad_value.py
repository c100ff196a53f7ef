"""The error for a value that may not be used, and the hints that go with it.

The error's text finishes the sentence that starts with the value's key path ("must be ...", "is
empty"). It never repeats the value, which may be a secret under the wrong key.
"""

from collections.abc import Collection
from difflib import get_close_matches

_LONGEST_SHOWN = 60
_LONGEST_COMPARED = 64
_MOST_NAMED = 10


class BadValueError(ValueError):
    """A value that may not be used; `hint` says what would make it right (may be empty)."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def shown_name(name: str) -> str:
    """Return a key or name without control characters, at most 60 characters long."""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


def did_you_mean(written: object, known: Collection[str]) -> str:
    """Return a hint with the known name nearest to what was written, or "" if none is near."""
    if not isinstance(written, str):
        return ""
    near = get_close_matches(written[:_LONGEST_COMPARED], known, n=1)
    return f"did you mean `{shown_name(near[0])}`?" if near else ""


def which_name(written: object, known: Collection[str], kind: str) -> str:
    """Return a hint for a name that is not among the `known` ones of its `kind`."""
    if not known:
        return f"no {kind} is configured"
    listed = ", ".join(shown_name(name) for name in list(known)[:_MOST_NAMED])
    more = ", ..." if len(known) > _MOST_NAMED else ""
    return did_you_mean(written, known) or f"configured: {listed}{more}"
