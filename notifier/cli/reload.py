"""`notifier reload`: makes the running daemon read its config again."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from notifier.cli.config_loading import load_project
from notifier.cli.daemon_client import ask_daemon
from notifier.cli.daemon_of_config import ask_daemon_of
from notifier.cli.options import config_option, examples, json_option
from notifier.cli.output import print_json, print_warning

_MISUSE = 78


@examples("notifier reload")
@click.command("reload")
@config_option
@json_option
def reload_command(config_path: Path | None, *, as_json: bool) -> int:
    """Have the daemon apply changes of its config and its files.

    A config that cannot be used changes nothing, and what is wrong with it is printed.
    """
    done = ask_daemon_of(config_path, "POST", "/v1/reload", failing_with=_MISUSE)
    if as_json:
        print_json([done])
        return 0
    left = [name for name in done["gateways"]["removed"] if _has_open_watches(config_path, name)]
    lines = [*_changes("gateway", done["gateways"]), *_changes("endpoint", done["endpoints"])]
    lines += [f"changed file {path}" for path in done["files"]]
    click.echo("\n".join(lines) if lines else "reloaded")
    for each in done["cancelled"]:
        print_warning(_cancelled(each, config_path))
    for name in left:
        print_warning(
            f"open watches of {name} are no longer polled: configure it again, or take them away "
            "with notifier watch remove"
        )
    for key in done["needs_restart"]:
        print_warning(f"{key} takes effect with a restart")
    return 0


def _has_open_watches(config_path: Path | None, gateway: str) -> bool:
    query = urlencode({"gateway": gateway, "state": "open", "limit": 1})
    answer = ask_daemon(load_project(config_path), "GET", f"/v1/watches?{query}")
    return bool(answer["data"])


def _changes(what: str, difference: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for how, names in difference.items():
        for name in names:
            yield f"{how} {what} {name}"


def _cancelled(cancelled: Mapping[str, Any], config_path: Path | None) -> str:
    """Return what became of the deliveries to an endpoint that is gone, and what sends them."""
    name, count = cancelled["endpoint"], cancelled["deliveries"]
    what = "1 pending delivery" if count == 1 else f"{count} pending deliveries"
    config = "" if config_path is None else f" -c {shlex.quote(str(config_path))}"
    return (
        f"{what} to {name} cancelled; to send what it missed, put the endpoint back, reload, and "
        f"run: {cancelled['command']}{config}"
    )
