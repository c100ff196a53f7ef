"""`notifier instances`: the processes that share the state in a database."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.text import Text

from notifier.cli.config_loading import load_project
from notifier.cli.groups import SuggestingGroup
from notifier.cli.options import config_option, examples, json_option
from notifier.cli.output import print_json
from notifier.cli.tables import Cell, TableColumn, print_table
from notifier.errors import NotifierError
from notifier.model.cluster_view import ClusterView
from notifier.store.access import change_database, reader_of
from notifier.store.connection import Connection
from notifier.store.draining import drain, undrain
from notifier.store.forgetting import forget

T = TypeVar("T")

INSTANCES = (
    TableColumn("Instance"),
    TableColumn("Version", drop=6),
    TableColumn("Up", drop=5),
    TableColumn("Beat", drop=1),
    TableColumn("Watches", drop=3),
    TableColumn("Lanes", drop=4),
    TableColumn("Config", drop=2),
)
_ALONE = "the state is in a file, which one notifier has for itself: there are no instances"


@examples("notifier instances", "notifier instances --json", "notifier instances forget web-2")
@click.group("instances", cls=SuggestingGroup, invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def instances_group(ctx: click.Context, config_path: Path | None, *, as_json: bool) -> int:
    """Show the instances that share the state in a database.

    Also works while none runs on this machine.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    config = load_project(config_path)
    with reader_of(config.store) as reader:
        view = ClusterView() if reader is None else reader.cluster()
    rows = view.as_rows()
    if as_json:
        print_json(rows)
    elif rows:
        print_table(INSTANCES, [instance_cells(row) for row in rows])
    else:
        click.echo(_ALONE if config.store.url is None else "no instance runs")
    return 0


def instance_cells(row: Mapping[str, Any]) -> Sequence[Cell]:
    """Return what the table INSTANCES shows of an instance."""
    return (
        row["name"],
        row["version"],
        str(timedelta(seconds=row["uptime_seconds"])),
        _beat(row),
        str(row["watches"]),
        str(len(row["lanes"])),
        _config(row),
    )


def _config(row: Mapping[str, Any]) -> Text:
    """Return how the endpoints of an instance differ from those of the others."""
    differences = {"differs": row["config_differs"], "lacks": row["config_lacks"]}
    words = [f"{word}: {', '.join(names)}" for word, names in differences.items() if names]
    return Text("; ".join(words), "yellow") if words else Text("same", "green")


def _beat(row: Mapping[str, Any]) -> Text:
    """Return for how long an instance may still be silent before others take over."""
    left = row["expires_in_seconds"]
    if not row["alive"]:
        return Text(f"missing, {-left:.0f} s overdue", "red")
    return Text("draining", "yellow") if row["draining"] else Text(f"ok for {left:.0f} s", "green")


@examples("notifier instances drain web-2")
@instances_group.command("drain")
@config_option
@click.argument("name")
def drain_command(config_path: Path | None, *, name: str) -> int:
    """Have an instance hand over all that it does, until `undrain` or its next start.

    It goes on serving its control API. Refused while no other one could take over.
    """
    _change(config_path, lambda db, now: drain(db, name, now))
    click.echo(f"{name} hands over what it does to the other instances")
    return 0


@examples("notifier instances undrain web-2")
@instances_group.command("undrain")
@config_option
@click.argument("name")
def undrain_command(config_path: Path | None, *, name: str) -> int:
    """Have an instance that was drained take its share of the work again."""
    _change(config_path, lambda db, _: undrain(db, name))
    click.echo(f"{name} takes its share of the work again")
    return 0


@examples("notifier instances forget web-2")
@instances_group.command("forget")
@config_option
@click.argument("name")
def forget_command(config_path: Path | None, *, name: str) -> int:
    """Drop what the files of an instance list that is gone for good.

    Until then its watches go on, polled by the other instances. What other files or the daemon
    list too is kept. Endpoints that only it had are removed ten minutes later. Refused while the
    instance lives.
    """
    withdrawn = _change(config_path, lambda db, now: forget(db, name, now))
    watches = f"{withdrawn} watch{' is' if withdrawn == 1 else 'es are'}"
    click.echo(f"forgot what the files of {name} listed; {watches} withdrawn")
    return 0


def _change(config_path: Path | None, work: Callable[[Connection, float], T]) -> T:
    """Change the database of a config; `work` gets its time. Raises NotifierError for a file."""
    place = load_project(config_path).store
    if place.url is None:
        raise NotifierError(_ALONE)
    return change_database(place.url, place.lease, work)
