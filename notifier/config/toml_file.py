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

_PLACED = re.compile(
    r"(?P<text>.*) \(at (?P<location>line \d+, column \d+|end of document)\)", re.DOTALL
)
# words and quoted punctuation only: a few of tomllib's texts repeat the file's content
_HARMLESS = re.compile(r"(?:[A-Za-z /,-]|'[^\w']')+", re.ASCII)


def read_toml(path: Path, *, may_be_empty: bool = True) -> dict[str, Any]:
    """Return the document in `path`; raises ConfigError with one problem.

    An empty file is valid TOML; `may_be_empty` decides whether it is accepted.
    """
    try:
        content = read_regular_file(path, MAX_BYTES)
        if content or may_be_empty:
            return tomllib.loads(content.decode("utf-8-sig"))
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


def _explanation(error: str) -> str:
    """Return tomllib's text with the location first and without any content of the file."""
    placed = _PLACED.fullmatch(error)
    if placed is None:
        return "a value is out of range"
    text, location = placed["text"], placed["location"]
    if not _HARMLESS.fullmatch(text):
        return location
    return f"{location}: {text[0].lower()}{text[1:]}"
