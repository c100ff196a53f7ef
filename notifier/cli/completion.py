"""Shell completion of names and ids: what the config names and what the store has open.

Completion never fails and never writes: without a usable config or store it offers nothing.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import click

from notifier.cli.project import Project, find_project
from notifier.errors import NotifierError

_MOST = 100


def complete_gateway(ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    """Return the gateways that start with what was typed."""
    return _starting(typed, _project_of(ctx), lambda project: project.gateways)


def complete_endpoint(ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    """Return the endpoints that start with what was typed."""
    return _starting(typed, _project_of(ctx), lambda project: project.endpoints)


def complete_open_id(ctx: click.Context, _param: click.Parameter, typed: str) -> list[str]:
    """Return the ids of open watches that start with what was typed."""
    return _starting(typed, _project_of(ctx), _open_ids)


def _starting(
    typed: str,
    project: Project | None,
    names: Callable[[Project], Iterable[str]],
) -> list[str]:
    if project is None:
        return []
    try:
        return [name for name in names(project) if name.startswith(typed)][:_MOST]
    except NotifierError:
        return []


def _project_of(ctx: click.Context) -> Project | None:
    path = ctx.params.get("config_path")
    try:
        return find_project(path if isinstance(path, Path) else None)
    except NotifierError:
        return None


def _open_ids(project: Project) -> list[str]:
    from notifier.store.access import reader_of  # noqa: PLC0415
    from notifier.store.queries import WatchFilter  # noqa: PLC0415 - only when ids are completed

    with reader_of(project.store) as reader:
        views = [] if reader is None else reader.watches(WatchFilter(state="open"))
    return [view.watch.key.video_id for view in views]
