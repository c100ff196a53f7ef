"""Turns validation errors into sentences for people.

pydantic's own texts repeat the input, which may be a secret under the wrong key. So only the
type and the location of its errors are used, and every sentence is ours.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from notifier.config.bad_value import BadValueError, did_you_mean, shown_name
from notifier.config.models import ParseContext, Table
from notifier.errors import Problem

T = TypeVar("T", bound=Table)
Location = tuple[int | str, ...]
"""Keys and list positions that lead to a value."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_KEY_ITSELF = "[key]"  # what pydantic appends when a key is meant and not its value


@dataclass(frozen=True, slots=True)
class Finding:
    """One error at a location inside a document, before the file is known."""

    location: Location
    message: str
    hint: str = ""

    def problem(self, where: Path | str) -> Problem:
        """Return this as a problem of the file `where`."""
        return Problem(str(where), key_path(self.location), self.message, self.hint)


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


def validate(
    model: type[T], raw: Mapping[str, Any], context: ParseContext
) -> tuple[T | None, list[Finding]]:
    """Return the checked table, or None and everything that is wrong with it."""
    try:
        return model.model_validate(raw, context=context), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return None, [_finding(model, raw, each) for each in details]


def _finding(model: type[Table], raw: Mapping[str, Any], details: ErrorDetails) -> Finding:
    location = _written_location(details["loc"], raw)
    context = details.get("ctx", {})
    if details["type"] == "extra_forbidden":
        return Finding(location, *_unknown_key(model, location))
    refusal = context.get("error")
    if isinstance(refusal, BadValueError):
        return Finding(location, str(refusal), refusal.hint)
    text = _TEXTS.get(details["type"], "cannot be used here")
    return Finding(location, text.format_map(context))


def _written_location(location: Location, raw: Any) -> Location:  # noqa: ANN401 - any TOML value
    """Return `location` as it is in the file: a list of secrets may be written as one secret."""
    written: list[int | str] = []
    for part in location:
        if isinstance(part, int):
            stands_there = isinstance(raw, list)
        else:
            stands_there = isinstance(raw, dict) and part in raw
        if not stands_there and (part == _KEY_ITSELF or isinstance(part, int)):
            break
        written.append(part)
        raw = raw[part] if stands_there else None
    return tuple(written)


_TEXTS = {
    "missing": "is required",
    "string_type": "must be text",
    "string_unicode": "must be valid Unicode",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "literal_error": "must be {expected}",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "too_short": "must have at least {min_length} entry",
    "too_long": "must have at most {max_length} entries",
}


def _unknown_key(model: type[Table], location: Location) -> tuple[str, str]:
    table = _table_at(model, location[:-1])
    key = location[-1]
    if key in table.later:
        return "unknown key", "not supported by this version"
    nearest = did_you_mean(key, list(table.model_fields))
    return "unknown key", nearest or f"known here: {', '.join(table.model_fields)}"


def _table_at(model: type[Table], location: Location) -> type[Table]:
    """Return the model at `location`; names of gateways and list positions are skipped."""
    for part in location:
        field = model.model_fields.get(str(part))
        model = (_table_in(field.annotation) if field else None) or model
    return model


def _table_in(annotation: object) -> type[Table] | None:
    if isinstance(annotation, type) and issubclass(annotation, Table):
        return annotation
    tables = (_table_in(argument) for argument in get_args(annotation))
    return next((table for table in tables if table is not None), None)
