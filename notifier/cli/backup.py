"""`notifier backup` and `notifier restore`: the state in one file, and back."""

from pathlib import Path

import click

from notifier.cli.config_loading import load_project
from notifier.cli.options import config_option, examples
from notifier.store import back_up, restore
from notifier.store.access import refuse_database


@examples("notifier backup /var/backups/notifier.db")
@click.command("backup")
@config_option
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.argument("file", type=click.Path(path_type=Path))
def backup_command(config_path: Path | None, *, force: bool, file: Path) -> int:
    """Write a checked copy of the state to FILE.

    It may be made while the daemon runs.
    """
    config = load_project(config_path)
    refuse_database(config.store, "back up", "use pg_dump")
    size = back_up(config.store_path, file, replace=force)
    click.echo(f"backed up {config.store_path} to {file} ({size} bytes, checked)")
    return 0


@examples("notifier restore /var/backups/notifier.db")
@click.command("restore")
@config_option
@click.argument("file", type=click.Path(path_type=Path))
def restore_command(config_path: Path | None, *, file: Path) -> int:
    """Put the backup in FILE in place of the state.

    What it replaces is kept.

    The daemon must not be running.
    """
    config = load_project(config_path)
    refuse_database(config.store, "restore", "use pg_restore")
    kept = restore(config.store_path, file)
    click.echo(f"restored {config.store_path} from {file}")
    if kept is not None:
        click.echo(f"the state from before is kept in {kept}")
    return 0
