"""`notifier run`: the daemon."""

import sys
from pathlib import Path

import click

from notifier import log
from notifier.app import Options, run_process
from notifier.cli.config_loading import load_with_secrets
from notifier.cli.options import config_option, examples
from notifier.config import warnings
from notifier.errors import StoreRefusedError


@examples("notifier run", "notifier run -c config.toml --exit-when-done")
@click.command("run")
@config_option
@click.option(
    "--exit-when-done",
    is_flag=True,
    help="Exit once every watch has ended and every delivery is settled: 0, or 1 if any was "
    "not delivered.",
)
@click.option(
    "--adopt", is_flag=True, help="Take over a store that belongs to another config file."
)
def run_command(config_path: Path | None, *, exit_when_done: bool, adopt: bool) -> int:
    """Run the daemon: watch videos, deliver events. Stops on SIGTERM and Ctrl-C."""
    config = load_with_secrets(config_path)
    if config.store.url is not None and exit_when_done:
        raise StoreRefusedError(
            "--exit-when-done is for a store in a file: what is in the database of [store] url "
            "other instances do as well",
            exit_code=78,
        )
    log.configure(config.log_level, config.log_format)
    for warning in warnings(config):
        log.get().warning("config_warning", **warning.fields())
    options = Options(exit_when_done=exit_when_done, adopt=adopt)
    return run_process(config, options, _print_page)


def _print_page(address: str) -> None:
    """Print where the page is, for the person at a terminal."""
    if sys.stdout.isatty():
        click.echo(f"Everything at a glance: {address}")
