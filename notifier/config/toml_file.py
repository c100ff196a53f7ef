"""Reads a TOML file from disk; its content is not checked yet."""

import re
import tomllib
from pathlib import Path
from typing import Any

from notifier.config.bad_value import BadValueError
from notifier.config.files import read_regular_file
from notifier.errors import ConfigError, Problem

MAX_BYTES = 16 * 1024 * 1024
"""Largest file that is read: some hundred thousand watches."""

MOST_KEY_PARTS = 16
"""The most parts of a dotted key: tomllib's time grows with their square."""

# Possessive throughout, and what is not closed ends with the file: linear in time.
_TEXTS = re.compile(
    r"""
      \"{3} (?: \\. | [^\\"] | "(?!"") )*+ (?: \"{3} | \Z )
    | '{3} (?: [^'] | '(?!'') )*+ (?: '{3} | \Z )
    | " (?: \\. | [^"\\\n] )*+ "?
    | ' [^'\n]*+ '?
    | \# [^\n]*+
    """,
    re.VERBOSE | re.DOTALL,
)
_LONG_KEY = re.compile(
    rf"(?<![\w-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){{{MOST_KEY_PARTS}}}", re.ASCII
)

_PLACED = re.compile(
    r"(?P<text>.*) \(at (?P<location>line \d+, column \d+|end of document)\)", re.DOTALL
)
_IN_OUR_WORDS = {
    "Cannot declare": "a table is declared twice",
    "Cannot mutate": "a table is written in two places",
    "Illegal character": "a character that TOML does not allow",
    "Found invalid character": "a character that TOML does not allow",
}
# words and quoted punctuation only: a few of tomllib's texts repeat the file's content
_HARMLESS = re.compile(r"(?:[A-Za-z /,-]|'[^\w']')+", re.ASCII)


def read_toml(path: Path, *, may_be_empty: bool = True) -> dict[str, Any]:
    """Return the document in `path`; raises ConfigError with one problem.

    An empty file is valid TOML; `may_be_empty` decides whether it is accepted.
    """
    try:
        content = read_regular_file(path, MAX_BYTES)
        if content or may_be_empty:
            text = content.decode("utf-8-sig")
            _refuse_long_keys(text)
            return tomllib.loads(text)
        message, hint = "is empty", "delete it if it is to list nothing"
    except tomllib.TOMLDecodeError as error:
        message = f"is not valid TOML: {_explanation(str(error))}"
        hint = ""
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message, hint = f"is not valid UTF-8 (line {line})", "TOML files are UTF-8 text"
    except BadValueError as error:
        message, hint = str(error), error.hint
    except (ValueError, RecursionError):
        # an integer of thousands of digits, or thousands of brackets in one another
        message, hint = "is not valid TOML: a value is too large or nested too deeply", ""
    raise ConfigError([Problem(str(path), "", message, hint)])


def _refuse_long_keys(text: str) -> None:
    """Raise BadValueError for a key that would take long to parse."""
    long_key = _LONG_KEY.search(_TEXTS.sub("t", text))
    if long_key is not None:
        raise BadValueError(
            "is not usable TOML: a key has too many parts", f"at most {MOST_KEY_PARTS} are read"
        )


def _explanation(error: str) -> str:
    """Return tomllib's text with the location first and without any content of the file."""
    placed = _PLACED.fullmatch(error)
    if placed is None:
        return "a value is out of range"
    text, location = placed["text"], placed["location"]
    for start, reason in _IN_OUR_WORDS.items():
        if text.startswith(start):
            return f"{location}: {reason}"
    if not _HARMLESS.fullmatch(text):
        return location
    return f"{location}: {text[0].lower()}{text[1:]}"
