"""Follows one watch until its event exists, by reading what the daemon commits."""

import signal
import time
from collections.abc import Iterator

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from notifier.config import Config
from notifier.model.event import EventType
from notifier.model.views import WatchView
from notifier.model.watch import WatchKey, WatchSpec, WatchState
from notifier.store import open_reader

_READ_INTERVAL = 0.25


def follow(config: Config, spec: WatchSpec) -> int:
    """Show a progress bar until the watch of `spec` is over; 0 only when it completed."""
    # an exception, so that the progress bar restores the cursor
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    columns = (
        TextColumn("{task.description}", style="bold", markup=False),
        TextColumn("{task.fields[status]}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    # the bar is decoration, the last line is the result
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(spec.key.video_id, total=100, status="waiting for the daemon")
        try:
            for view in _views(config, spec):
                if view.watch.state is not WatchState.OPEN:
                    break
                _show(progress, task, view)
        except KeyboardInterrupt:
            progress.console.print("still watched; see: notifier watch list", highlight=False)
            raise
    return report(spec.key, view)


def report(key: WatchKey, view: WatchView) -> int:
    """Print how a watch that is over ended; return 0 only when the video completed."""
    if view.event_type is None and view.watch.state is WatchState.ENDED:
        click.echo(f"{key.video_id} ended long ago; its event is not kept any more", err=True)
        return 1
    if view.event_type is None:
        click.echo(f"{key.video_id} is no longer watched", err=True)
        return 1
    click.echo(f"{view.event_type} {key.video_id} ({view.event_id})")
    return 0 if view.event_type == EventType.COMPLETED else 1


def _views(config: Config, spec: WatchSpec) -> Iterator[WatchView]:
    """Yield the stored view of the watch, once every `_READ_INTERVAL`."""
    seen = False
    while True:
        with open_reader(config.store_path) as reader:
            view = reader.watch(spec.key) if reader is not None else None
        taken = view is not None and view.watch.spec.generation >= spec.generation
        # withdrawn at first: an older state, the daemon has not read the new drop-in yet
        if view is not None and taken and (seen or view.watch.state is not WatchState.WITHDRAWN):
            seen = True
            yield view
        time.sleep(_READ_INTERVAL)


def _show(progress: Progress, task: TaskID, view: WatchView) -> None:
    snapshot = view.watch.snapshot
    if snapshot is None:
        progress.update(task, status="asking")
    else:
        status = snapshot.status or snapshot.word
        progress.update(task, completed=snapshot.progress or 0, status=status)
