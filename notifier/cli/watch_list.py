"""`notifier watch list`: watches in files and in the store together."""

from collections.abc import Sequence
from pathlib import Path

import click

from notifier.cli.config_loading import load_project
from notifier.cli.options import config_option, examples, json_option
from notifier.cli.output import print_json
from notifier.cli.tables import TableColumn, print_table
from notifier.cli.watch_listings import all_listings
from notifier.config import Config
from notifier.model.views import WatchView
from notifier.model.watch import NO_FILES, WatchKey, WatchState
from notifier.store.access import reader_of

_COLUMNS = (
    TableColumn("Video"),
    TableColumn("Gateway", drop=2),
    TableColumn("State", drop=1),
    TableColumn("Progress", drop=3),
    TableColumn("Event", drop=4),
    TableColumn("Deliveries", drop=5),
)


@examples("notifier watch list", "notifier watch list --all --json")
@click.command("list")
@config_option
@json_option
@click.option("--all", "show_all", is_flag=True, help="Also those that no file lists any more.")
def list_command(config_path: Path | None, *, as_json: bool, show_all: bool) -> int:
    """List watched videos and what became of them."""
    config = load_project(config_path)
    rows = _rows(config, show_all=show_all)
    if as_json:
        print_json(rows)
    elif rows:
        print_table(_COLUMNS, [_cells(row) for row in rows])
    else:
        click.echo("nothing is watched; add a video with: notifier watch add VIDEO_ID")
    return 0


def _rows(config: Config, *, show_all: bool) -> list[dict[str, object]]:
    """Join what files list with what the store knows; the keys are the `--json` contract."""
    listed: dict[WatchKey, list[str]] = {}
    for listing in all_listings(config):
        for spec in listing.specs:
            listed.setdefault(spec.key, []).append(listing.source)
    with reader_of(config.store) as reader:
        views = reader.watches() if reader is not None else []
    known = {view.watch.key: view for view in views}
    keys = dict.fromkeys((*known, *listed))
    return [
        _row(key, known.get(key), _sources(listed.get(key, []), known.get(key)))
        for key in keys
        if show_all or _sources(listed.get(key, []), known.get(key)) or _is_open(known[key])
    ]


def _is_open(view: WatchView) -> bool:
    return view.watch.state is WatchState.OPEN


def _sources(files: list[str], view: WatchView | None) -> list[str]:
    """Return the names of everything that lists a watch."""
    kept = () if view is None else view.sources
    return [*files, *(source for source in kept if source in NO_FILES)]


def _row(key: WatchKey, view: WatchView | None, sources: list[str]) -> dict[str, object]:
    snapshot = view.watch.snapshot if view is not None else None
    return {
        "gateway": key.gateway,
        "video_id": key.video_id,
        "state": "new" if view is None else view.watch.state.value,
        "status": None if snapshot is None else (snapshot.status or snapshot.word),
        "progress": None if snapshot is None else snapshot.progress,
        "event_id": None if view is None else view.event_id,
        "event_type": None if view is None else view.event_type,
        "deliveries": {} if view is None else view.deliveries,
        "listed_in": sources,
        "archive": None if view is None or view.archive is None else view.archive.as_row(),
    }


def _cells(row: dict[str, object]) -> Sequence[str]:
    progress = row["progress"]
    deliveries = row["deliveries"]
    assert isinstance(deliveries, dict)  # noqa: S101 - made in `_row`
    return (
        str(row["video_id"]),
        str(row["gateway"]),
        str(row["status"] if row["state"] == "open" and row["status"] else row["state"]),
        "" if progress is None else f"{progress} %",
        str(row["event_type"] or ""),
        ", ".join(f"{count} {state}" for state, count in sorted(deliveries.items())),
    )
