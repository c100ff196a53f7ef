"""`notifier store`: moving the state from a file into PostgreSQL."""

from contextlib import closing
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from notifier.app import wiring
from notifier.cli.config_loading import load_project
from notifier.cli.groups import SuggestingGroup
from notifier.cli.options import config_option, examples
from notifier.errors import NotifierError, StoreRefusedError
from notifier.store import Database, StoreInUseError, recorded_config
from notifier.store.inspection import read_only


@examples("notifier store copy --help")
@click.group("store", cls=SuggestingGroup)
def store_group() -> None:
    """Move the state from a file into PostgreSQL."""


@examples("notifier store copy /var/lib/notifier/notifier.db")
@store_group.command("copy")
@config_option
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def copy_command(config_path: Path | None, *, file: Path) -> int:
    """Copy the state in FILE to the empty database that [store] url names.

    Every table is compared by number and hash before anything is committed. FILE stays as it is;
    no daemon may run on it.
    """
    from notifier.store.postgres.copying import copy, count_rows  # noqa: PLC0415 - an extra

    config = load_project(config_path)
    url = config.store.url
    if url is None:
        raise NotifierError("[store] url is not set: there is no database to copy to")
    # opened as a daemon does, which locks it and brings it to the newest schema
    try:
        locked = Database.open(file, recorded_config(file) or config.path)
    except StoreInUseError as error:
        raise StoreRefusedError(
            f"a daemon is running on {file} (pid {error.pid}): stop it first, then copy"
        ) from None
    with closing(locked), closing(read_only(file)) as db, _progress() as progress:
        db.execute("BEGIN")
        task = progress.add_task("copying", total=2 * count_rows(db))
        tables = copy(
            db,
            lambda: wiring.reveal_store_url(url),
            lambda rows: progress.advance(task, rows),
        )
    rows = sum(table.rows for table in tables)
    click.echo(f"copied {file} to {wiring.store_shown(config)}")
    click.echo(f"{rows} rows in {len(tables)} tables, each with the same hash on both sides")
    return 0


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
