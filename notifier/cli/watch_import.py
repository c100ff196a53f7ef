"""`notifier watch import`: has the daemon keep the watches that drop-in files list."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click

from notifier.cli.config_loading import load_project
from notifier.cli.options import config_option, examples
from notifier.cli.output import print_first_errors
from notifier.cli.watch_adding import views_of
from notifier.cli.watch_batches import ask_for_each, refusal_of
from notifier.cli.watch_files import daemon_item
from notifier.config import Config
from notifier.config.dropins import read_dropin
from notifier.errors import ConfigError, Problem
from notifier.model.views import WatchView
from notifier.model.watch import API_SOURCE, WatchKey, WatchSpec, WatchState


class _Entry(NamedTuple):
    """One watch of a file, in the words of the command's output."""

    file: Path
    spec: WatchSpec

    @property
    def shown(self) -> str:
        return f"{self.spec.key.video_id} on {self.spec.key.gateway}"


@examples(
    "notifier watch import /etc/notifier/watches.d/jobs.toml",
    "notifier watch import watches.d/*.toml",
)
@click.command("import")
@config_option
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
def import_command(config_path: Path | None, *, files: tuple[Path, ...]) -> int:
    """Have the daemon keep the watches of drop-in files.

    A watch that a file lists hangs on that file, and so on its machine. What was imported goes on
    without it. Settings stay as they are in the file; what is kept or has ended already stays as
    it is, so that a file can be imported twice.
    """
    config = load_project(config_path)
    entries, errors = _read(config, dict.fromkeys(files))
    refused = _import(config, entries)
    errors += [f"{entry.file}: {entry.shown}: {reason}" for entry, reason in refused]
    print_first_errors(errors)
    for file in dict.fromkeys(entry.file for entry in entries):
        _say_what_to_do(file, sum(entry.file == file for entry, _ in refused))
    return 1 if errors else 0


def _read(config: Config, files: Mapping[Path, None]) -> tuple[list[_Entry], list[str]]:
    """Return the watches of all usable files, and what is wrong with the others."""
    entries: list[_Entry] = []
    errors: list[str] = []
    for file in files:
        try:
            listing = read_dropin(file, config)
        except ConfigError as error:
            errors += [str(_with_hint(problem)) for problem in error.problems]
        else:
            entries += [_Entry(file, spec) for spec in listing.specs]
    return entries, errors


def _with_hint(problem: Problem) -> Problem:
    """Return what is wrong with a file; of one that is no TOML, with what else it may be."""
    if problem.key or problem.hint:
        return problem
    hint = "a drop-in is TOML with [[watches]]; a plain list of ids: notifier watch add - < FILE"
    return replace(problem, hint=hint)


def _import(config: Config, entries: Sequence[_Entry]) -> list[tuple[_Entry, str]]:
    """Import watches, and print what became of each; return those that were refused, and why."""
    views = views_of(config, list(dict.fromkeys(entry.spec.key for entry in entries)))
    wanted = []
    for entry in entries:
        settled = _settled(entry.spec, views.get(entry.spec.key))
        if settled is None:
            wanted.append(entry)
        else:
            click.echo(f"{entry.shown}: {settled}")
    items = [daemon_item(entry.spec, again=_is_repeated(entry.spec, views)) for entry in wanted]
    results = ask_for_each(config, "/v1/watches", items)
    refused = []
    for entry, result in zip(wanted, results, strict=True):
        reason = refusal_of(result)
        if reason is None:
            click.echo(f"{entry.shown}: {_granted(result['watch'])}")
        else:
            refused.append((entry, reason))
    return refused


def _settled(spec: WatchSpec, view: WatchView | None) -> str | None:
    """Return why there is nothing to do for a watch; None where there is."""
    if view is None:
        return None
    known = view.watch.spec
    if view.watch.state is WatchState.ENDED and known.generation >= spec.generation:
        return _ended(view.event_type, view.event_id)
    is_kept = view.watch.state is WatchState.OPEN and API_SOURCE in view.sources
    if is_kept and known == replace(spec, generation=known.generation):
        return "the daemon keeps it already"
    return None


def _is_repeated(spec: WatchSpec, views: Mapping[WatchKey, WatchView]) -> bool:
    """Tell whether a file watches a video once more that has ended before."""
    view = views.get(spec.key)
    return view is not None and view.watch.spec.generation < spec.generation


def _granted(row: Mapping[str, Any]) -> str:
    if row["state"] == WatchState.ENDED:  # meanwhile
        return _ended(row["event_type"], row["event_id"])
    return "imported, the daemon keeps it"


def _ended(event_type: str | None, event_id: str | None) -> str:
    return f"has ended already as {event_type} ({event_id})"


def _say_what_to_do(file: Path, refused: int) -> None:
    if refused:
        click.echo(f"{file} is still needed for what was not imported", err=True)
    else:
        click.echo(f"{file} is not needed any more; to delete it: rm {shlex.quote(str(file))}")
