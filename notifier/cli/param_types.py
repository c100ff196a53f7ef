"""Types of option values that several commands share."""

import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar, cast

import click

from notifier.config.bad_value import BadValueError, did_you_mean, explained, quoted
from notifier.config.durations import DurationError, parse_duration

T = TypeVar("T")

_UNIX = re.compile(r"\d{9,11}(\.\d+)?")


class ParsedType(click.ParamType, Generic[T]):  # type: ignore[type-arg] # see DurationType
    """A value that `parse` converts; a ValueError of `parse` is a usage error with its text."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name = name
        self._parse = parse

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> T:
        """Return the parsed value; a default that is no text is returned as it is."""
        if not isinstance(value, str):
            return cast("T", value)
        try:
            return self._parse(value)
        except BadValueError as error:
            self.fail(explained(error, value), param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class WordType(click.Choice):  # type: ignore[type-arg] # see DurationType
    """One of several words; an unknown one has a "did you mean"."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Return the word; any other one is a usage error."""
        words = [str(each) for each in self.choices]
        if str(value) in words:
            return str(value)
        known = f"must be one of {', '.join(words)}"
        error = BadValueError(known, did_you_mean(value, words), quotable=True)
        raise click.BadParameter(explained(error, value), ctx, param)


class WholeNumberType(click.IntRange):
    """A whole number of a range; any other value is a usage error that says which."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the number."""
        try:
            return int(super().convert(value, param, ctx))  # type: ignore[arg-type] # any value
        except click.BadParameter:
            error = BadValueError(f"must be a whole number {self._range()}", quotable=True)
            raise click.BadParameter(explained(error, value), ctx, param) from None

    def _range(self) -> str:
        return f"of at least {self.min}" if self.max is None else f"from {self.min} to {self.max}"


class DurationType(click.ParamType):  # type: ignore[type-arg] # generic from click 8.5 on
    """A duration as the config writes it (`500ms`, `20s`, `5m`), converted to seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return `value` in seconds; a bad one is a usage error."""
        if isinstance(value, float):
            return value
        number = _number(str(value))
        try:
            return parse_duration(str(value) if number is None else number)
        except DurationError as error:
            self.fail(explained(error, value), param, ctx)


def _number(text: str) -> float | None:
    """Return `text` as a number of seconds; None when it has a unit or is no number."""
    try:
        return float(text)
    except ValueError:
        return None


DURATION = DurationType()


class MomentType(click.ParamType):  # type: ignore[type-arg] # generic from click 8.5 on
    """A moment: how long ago (`2h`), a date and time, or Unix seconds; converted to the latter."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return `value` in Unix seconds; a bad one is a usage error."""
        if isinstance(value, float):
            return value
        text = str(value)
        if _UNIX.fullmatch(text):
            return float(text)
        try:
            return time.time() - parse_duration(text)
        except DurationError:
            return self._date(text, param, ctx)

    def _date(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return datetime.fromisoformat(text).astimezone().timestamp()
        except (ValueError, OverflowError):
            shown = f", not {quoted(text)}" if quoted(text) else ""
            reason = f"must be a duration (2h) or a date and time (2026-01-31T12:00Z){shown}"
            self.fail(reason, param, ctx)


MOMENT = MomentType()
