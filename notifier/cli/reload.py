"""`notifier reload`: have the running daemon read its config again."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from notifier.cli.common import config_option, load_config
from notifier.cli.remote import ask_daemon

_MISUSE = 78


@click.command("reload")
@config_option
def reload_command(config_path: Path | None) -> int:
    """Have the running daemon apply what is different in its config.

    A config that cannot be used changes nothing, and what is wrong with it is printed.
    """
    config = load_config(config_path)
    done = ask_daemon(config, "POST", "/v1/reload", failing_with=_MISUSE)
    lines = [*_changes("gateway", done["gateways"]), *_changes("endpoint", done["endpoints"])]
    click.echo("\n".join(lines) if lines else "reloaded")
    for key in done["needs_restart"]:
        click.secho(f"notifier: warning: {key} takes effect with a restart", fg="yellow", err=True)
    return 0


def _changes(what: str, difference: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for how, names in difference.items():
        for name in names:
            yield f"{how} {what} {name}"
