"""What commands share: finding the config, and the look of their output."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from notifier.config import (
    Config,
    check_watch,
    find_config,
    load,
    obstacles,
    warnings,
)
from notifier.config.problems import key_path
from notifier.errors import ConfigError, NotifierError
from notifier.model.watch import WatchSpec
from notifier.signing import decode_secret

_WIDEST = 10_000

F = TypeVar("F", bound=Callable[..., Any])


def config_option(command: F) -> F:
    """Give a command the option `-c/--config`."""
    return click.option(
        "-c",
        "--config",
        "config_path",
        type=click.Path(path_type=Path),
        help="Config file  [default: $NOTIFIER_CONFIG, ./config.toml, /etc/notifier/config.toml]",
    )(command)


def json_option(command: F) -> F:
    """Give a command the option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")(command)


def load_config(config_path: Path | None) -> Config:
    """Find and read the config; raises ConfigError with everything that is wrong with it."""
    return load(find_config(config_path, os.environ), os.environ)


def load_with_secrets(config_path: Path | None, *needed: str) -> Config:
    """Read the config and resolve its secrets; raises ConfigError.

    Where only one table is `needed` (such as "endpoints", "app"), others may lack theirs.
    """
    config = load_config(config_path)
    table = key_path(needed) if needed else ""
    problems = [each for each in obstacles(config) if each.key.startswith(table)]
    if problems:
        raise ConfigError(problems)
    return config


def keys_from_config(config_path: Path | None) -> list[bytes]:
    """Return the signing keys of all endpoints; none when no config was named and none found.

    Raises NotifierError when the config, or a signing secret in it, is not usable.
    """
    try:
        path = find_config(config_path, os.environ)
    except ConfigError:
        return []
    endpoints = load(path, os.environ).endpoints.values()
    try:
        return [decode_secret(s.reveal()) for endpoint in endpoints for s in endpoint.secrets]
    except ValueError as error:
        raise NotifierError(f"{path}: a signing secret cannot be used: {error}") from None


def checked_watch(entry: Mapping[str, object], config: Config) -> WatchSpec:
    """Return the watch that arguments describe; what is wrong with them is a usage error."""
    try:
        return check_watch(entry, config)
    except ConfigError as error:
        # what is wrong is an argument: no file needs to be named
        said = [str(replace(each, where=each.key, key="")) for each in error.problems]
        raise click.UsageError("; ".join(said)) from None


def print_warnings(config: Config) -> None:
    """Print what works and is not wise, on stderr."""
    for warning in warnings(config):
        click.secho(f"notifier: warning: {warning}", fg="yellow", err=True)


def print_table(table: Table) -> None:
    """Print a table without cutting anything off: ids are there to be copied."""
    wide = Console(width=_WIDEST, markup=False, emoji=False, highlight=False)
    needed = Measurement.get(wide, wide.options, table)
    wide.width = max(needed.maximum, 1)
    wide.print(table, crop=False)


def print_json(rows: list[dict[str, Any]]) -> None:
    """Print the array that `--json` promises."""
    click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
