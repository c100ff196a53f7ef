"""Findings: what is wrong at one location of a document, before its file is known."""

import re
from dataclasses import dataclass
from pathlib import Path

from notifier.config.bad_value import shown_name
from notifier.errors import Problem

Location = tuple[int | str, ...]
"""Keys and list positions that lead to a value."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """One error at a location inside a document, before the file is known."""

    location: Location
    message: str
    hint: str = ""
    written: str = ""

    def problem(self, where: Path | str) -> Problem:
        """Return this as a problem of the file `where`."""
        return Problem(str(where), key_path(self.location), self.message, self.hint, self.written)


def key_path(location: Location) -> str:
    """Return `location` in TOML notation: `endpoints.app.retry_schedule[2]`."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{_key(part)}" if path else _key(part)
    return path


def _key(key: str) -> str:
    shown = shown_name(key)
    if _BARE_KEY.fullmatch(shown):
        return shown
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
