"""How commands print JSON, warnings and errors."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from notifier.texts.cleaning import printable
from notifier.texts.shown_json import shown_json

_MOST_ERRORS = 20


def print_json(rows: list[dict[str, Any]]) -> None:
    """Print `rows` as the JSON array of `--json`."""
    click.echo(shown_json(rows, indent=2))


def print_warning(text: str) -> None:
    """Print a warning on stderr."""
    click.secho(f"notifier: warning: {printable(text)}", fg="yellow", err=True)


def print_first_errors(errors: Sequence[str]) -> None:
    """Print errors about items of a list, at most 20 of them, and how many more there are."""
    more = len(errors) - _MOST_ERRORS
    tail = [f"and {more} more errors like these"] if more > 0 else []
    print_errors([*errors[:_MOST_ERRORS], *tail])


def print_errors(texts: Iterable[str]) -> None:
    """Print each line of `texts` on stderr, with the priority of an error in the journal."""
    lines = [printable(line) for text in texts for line in text.splitlines()]
    if not lines:
        return
    mark = ""
    if "JOURNAL_STREAM" in os.environ:
        from notifier.log.journald import is_journal  # noqa: PLC0415 - seldom needed, and slow

        mark = "<3>" if is_journal(sys.stderr, os.environ) else ""
    click.echo("\n".join(f"{mark}notifier: {line}" for line in lines), err=True)
