"""Turns validation errors into sentences for people.

pydantic's own texts repeat the input, which may be a secret under the wrong key. So only the
type and the location of its errors are used, and every sentence is ours.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from notifier.config.bad_value import BadValueError, did_you_mean, quoted
from notifier.config.findings import Finding, Location
from notifier.config.models import Table
from notifier.config.secret_sources import ParseContext

T = TypeVar("T", bound=Table)

_NAMED = 2  # the parts of a table's key path such as gateways.main
_FORMS = {
    "string_type": "in quotes",
    "list_type": 'in brackets, such as ["a", "b"]',
    "dict_type": 'such as { key = "value" }, or a [table] of its own',
    "model_type": "a [table] of its own, with this name",
}
_KEY_ITSELF = "[key]"  # what pydantic appends when a key is meant and not its value


def validate(
    model: type[T], raw: Mapping[str, Any], context: ParseContext
) -> tuple[T | None, list[Finding]]:
    """Return the checked table, or None and everything that is wrong with it."""
    try:
        return model.model_validate(raw, context=context), []
    except ValidationError as error:
        return None, findings_of(model, raw, error)


def findings_of(model: type[BaseModel], raw: object, error: ValidationError) -> list[Finding]:
    """Return what pydantic found wrong with `raw`, in our own sentences."""
    details = error.errors(include_url=False, include_input=False)
    return [_finding(model, raw, each) for each in details]


def _finding(model: type[BaseModel], raw: object, details: ErrorDetails) -> Finding:
    location, value = _written(details["loc"], raw)
    context = details.get("ctx", {})
    if details["type"] == "extra_forbidden":
        return Finding(location, *_unknown_key(model, location))
    refusal = context.get("error")
    if isinstance(refusal, BadValueError):
        shown = quoted(value, location) if refusal.quotable else ""
        return Finding(location, str(refusal), refusal.hint, shown)
    text = _TEXTS.get(details["type"], "cannot be used here").format_map(context)
    shown = quoted(value, location) if details["type"] in _QUOTABLE else ""
    hint = did_you_mean(value, _words(context)) if details["type"] == "literal_error" else ""
    hint = hint or _form(details["type"], location)
    return Finding(location, text, hint, shown)


def _form(kind: str, location: Location) -> str:
    """Return how a value of another type is written at `location`; "" if that needs no hint."""
    table = str(location[0]) if location else ""
    if (
        kind in {"list_type", "model_type"}
        and location[0] == "watches"
        and len(location) <= _NAMED
    ):
        return "write [[watches]]"
    if kind in {"dict_type", "model_type"} and table in {"gateways", "endpoints"}:
        return f"write [{table}.NAME]" if len(location) <= _NAMED else _FORMS[kind]
    return _FORMS.get(kind, "")


def _words(context: Mapping[str, Any]) -> list[str]:
    """Return the words of a closed set from pydantic's list of them."""
    return re.findall(r"'([^']*)'", str(context.get("expected", "")))


def _written(location: Location, raw: Any) -> tuple[Location, object]:  # noqa: ANN401 - any value
    """Return `location` as it is in the document, and the value there (None if there is none).

    A list of secrets may be written as one secret: then its positions are left out.
    """
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
    return tuple(written), raw


_TEXTS = {
    "missing": "is required",
    "string_type": "must be text",
    "string_unicode": "must be valid Unicode",
    "string_too_short": "must have at least {min_length} character",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
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
_QUOTABLE = frozenset(
    {
        "int_type",
        "int_parsing",
        "int_from_float",
        "float_type",
        "float_parsing",
        "finite_number",
        "bool_type",
        "literal_error",
        "greater_than",
        "greater_than_equal",
        "less_than_equal",
    }
)
"""The types of errors whose value is to be a number or a word of a closed set."""


def _unknown_key(model: type[BaseModel], location: Location) -> tuple[str, str]:
    table = _table_at(model, location[:-1])
    key = location[-1]
    nearest = did_you_mean(key, list(table.model_fields))
    return "unknown key", nearest or f"known here: {', '.join(table.model_fields)}"


def _table_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
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
