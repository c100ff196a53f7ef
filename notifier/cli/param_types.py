"""Option types that several commands share."""

import re
import time
from datetime import datetime

import click

from notifier.config.durations import DurationError, parse_duration

_UNIX = re.compile(r"\d{9,11}(\.\d+)?")


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
            self.fail(str(error), param, ctx)


def _number(text: str) -> float | None:
    """Read plain seconds: on a command line `10` is a text, in the config it is a number."""
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
            self.fail(f"{text!r} is neither a duration (2h) nor a date and time", param, ctx)


MOMENT = MomentType()
