"""Removes from foreign text what people do not see, or see differently than it is.

These are the control characters of terminals (C0, C1, DEL), characters that change the direction
of writing, the separators of lines and paragraphs, and invisible characters. What is removed
leaves U+FFFD, so that it is seen that something was there. Single joiners, zero-width spaces and
variation selectors stay: emoji and several scripts need them. Runs of them may hide text.
"""

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""The character that takes the place of what is removed."""

_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
# tab and newline stay
_INVISIBLE = "\u180e\u2061-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_JOINERS = "\u200b-\u200d\u2060"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SURROGATES = re.compile("[\ud800-\udfff]")
_UNCLEAN = re.compile(f"[{_CONTROLS}]|[{_INVISIBLE}]+|[{_JOINERS}]{{2,}}|[{_SELECTORS}]{{2,}}")


def clean_text(text: str) -> str:
    """Return `text` without lone surrogates and without characters that hide or reorder text.

    Neither UTF-8 nor SQLite can hold a surrogate.
    """
    return without_hidden(_SURROGATES.sub(REPLACEMENT, text))


def without_hidden(text: str) -> str:
    """Return a `text` that has no lone surrogates, cleaned like that of `clean_text`."""
    return _UNCLEAN.sub(REPLACEMENT, text)


def printable(text: str) -> str:
    """Return `text` for one line of a terminal: nothing that is not printable remains."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else REPLACEMENT for c in text)


def one_line(text: str) -> str:
    """Return `text` printable, with every run of white space as one space."""
    return printable(" ".join(text.split()))


def shortened(text: str, longest: int) -> str:
    """Return `text`, cut with an ellipsis when it has more than `longest` characters."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
