"""Follows one watch until its event exists, by reading what the daemon commits."""

import time
from collections.abc import Iterator

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from notifier.cli.project import Project
from notifier.errors import NotifierError
from notifier.model.event import EventType
from notifier.model.views import WatchView
from notifier.model.watch import WatchKey, WatchState
from notifier.store import daemon_is_running
from notifier.store.access import reader_of
from notifier.texts.cleaning import one_line, printable

_READ_INTERVAL = 0.25
_RESTART_GRACE = 10.0


def follow(project: Project, key: WatchKey, generation: int) -> int:
    """Show a progress bar until a watch is over; return 0 only when the video completed.

    Raises NotifierError when the daemon ends meanwhile.
    """
    columns = (
        TextColumn("{task.description}", style="bold", markup=False),
        TextColumn("{task.fields[status]}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    # the bar is decoration, the last line is the result
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(key.video_id, total=100, status="waiting for the daemon")
        try:
            for view in _views(project, key, generation):
                if view.watch.state is not WatchState.OPEN:
                    break
                _show(progress, task, view)
        except KeyboardInterrupt:
            progress.console.print("still watched; see: notifier watch list", highlight=False)
            raise
    return _report(project, view)


def report_ended(project: Project, key: WatchKey) -> int:
    """Print the event that a watch already has; return 0 only when the video completed."""
    with reader_of(project.store) as reader:
        view = None if reader is None else reader.watch(key)
    if view is None:
        raise NotifierError(f"{key} is not watched")
    return _report(project, view)


def _report(project: Project, view: WatchView) -> int:
    """Print how a watch that is over ended; return 0 only when the video completed."""
    key = view.watch.key
    if view.event_type is None and view.watch.state is WatchState.ENDED:
        click.echo(f"{key.video_id} ended long ago; its event is not kept any more", err=True)
        return 1
    if view.event_type is None:
        click.echo(f"{key.video_id} is no longer watched", err=True)
        return 1
    completed = view.event_type == EventType.COMPLETED
    reason = "" if completed else _reason(project, str(view.event_id))
    click.echo(f"{view.event_type} {key.video_id} ({view.event_id}){reason}")
    return 0 if completed else 1


def _reason(project: Project, event_id: str) -> str:
    """Return why the job failed, as its event says, to be put behind the result."""
    with reader_of(project.store) as reader:
        event = None if reader is None else reader.event(event_id)
    error = None if event is None else event.body.get("data", {}).get("error")
    if not isinstance(error, dict):
        return ""
    parts = [str(error[name]) for name in ("message", "code") if error.get(name)]
    text = one_line(" / ".join(parts))
    return f": {text}" if text else ""


def _views(project: Project, key: WatchKey, generation: int) -> Iterator[WatchView]:
    """Yield the stored view of the watch, once every `_READ_INTERVAL`."""
    seen = False
    last_alive = time.monotonic()
    while True:
        if daemon_is_running(project.store_path):
            last_alive = time.monotonic()
        elif time.monotonic() - last_alive > _RESTART_GRACE:
            raise NotifierError("the daemon has ended; see: notifier watch list")
        with reader_of(project.store) as reader:
            view = reader.watch(key) if reader is not None else None
        taken = view is not None and view.watch.spec.generation >= generation
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
        status = printable(snapshot.status or snapshot.word)
        progress.update(task, completed=snapshot.progress or 0, status=status)
