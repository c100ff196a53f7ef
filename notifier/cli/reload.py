"""`notifier reload`: makes the running daemon read its config again."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from notifier.cli.config_loading import load_config
from notifier.cli.daemon_client import ask_daemon_at
from notifier.cli.options import config_option, json_option
from notifier.cli.output import print_json
from notifier.config import default_socket_path, default_store_path, find_config
from notifier.errors import ConfigError

_MISUSE = 78


@click.command("reload")
@config_option
@json_option
def reload_command(config_path: Path | None, *, as_json: bool) -> int:
    """Have the running daemon apply what is different in its config.

    A config that cannot be used changes nothing, and what is wrong with it is printed.
    """
    done = ask_daemon_at(_socket(config_path), "POST", "/v1/reload", failing_with=_MISUSE)
    if as_json:
        print_json([done])
        return 0
    lines = [*_changes("gateway", done["gateways"]), *_changes("endpoint", done["endpoints"])]
    click.echo("\n".join(lines) if lines else "reloaded")
    for key in done["needs_restart"]:
        click.secho(f"notifier: warning: {key} takes effect with a restart", fg="yellow", err=True)
    return 0


def _socket(config_path: Path | None) -> Path:
    """Return the path of the daemon's socket; the default one if the config is unusable."""
    try:
        return load_config(config_path).http.socket
    except ConfigError:
        path = find_config(config_path, os.environ).absolute()
        socket = default_socket_path(path, default_store_path(path, os.environ), os.environ)
        if not socket.is_socket():
            raise
        return socket


def _changes(what: str, difference: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for how, names in difference.items():
        for name in names:
            yield f"{how} {what} {name}"
