"""Options that several commands share, as decorators."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from notifier.cli.param_types import WholeNumberType

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=click.Command)


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


def address_options(default_port: int) -> Callable[[F], F]:
    """Return a decorator that gives a serving command `--host` and `--port`."""
    host = click.option(
        "--host", default="127.0.0.1", show_default=True, help="Address to listen on."
    )
    port = click.option(
        "--port",
        type=WholeNumberType(0, 65535),
        default=default_port,
        show_default=True,
        help="Port to listen on; 0 takes a free one.",
    )
    return lambda command: host(port(command))


def examples(*lines: str) -> Callable[[C], C]:
    """Return a decorator that puts examples at the end of a command's help."""

    def add(command: C) -> C:
        command.epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
        return command

    return add
