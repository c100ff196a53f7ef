"""`notifier watch list` and `watch remove`: watches in files and in the store together."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import click
from rich.table import Table

from notifier.cli.config_loading import load_project
from notifier.cli.daemon_client import ask_daemon
from notifier.cli.dropins import remove_dropin
from notifier.cli.options import config_option, json_option
from notifier.cli.output import print_json, print_table
from notifier.config import Config
from notifier.errors import NotifierError
from notifier.model.views import WatchView
from notifier.model.watch import API_SOURCE, Listing, WatchKey, WatchState
from notifier.polling.folder import Folder
from notifier.store import open_reader
from notifier.store.queries import WatchFilter


def file_of(config: Config, source: str) -> Path:
    """Return the file that is the `source` of watches."""
    return config.path if source == config.listing.source else config.watch_dir / source


def all_listings(config: Config) -> list[Listing]:
    """Return the listings of all usable files; print a warning for each that is not."""
    contents = Folder(config).scan()
    for problem in contents.problems:
        click.secho(f"notifier: warning: {problem}", fg="yellow", err=True)
    return [config.listing, *contents.listings]


@click.command("remove")
@config_option
@click.argument("video_ids", metavar="[VIDEO_ID...]", nargs=-1)
@click.option("--gateway", help="Gateway's name; not needed when only one lists the id.")
@click.option("--ended", is_flag=True, help="Remove the drop-ins of all watches that have ended.")
def remove_command(
    config_path: Path | None, *, video_ids: tuple[str, ...], gateway: str | None, ended: bool
) -> int:
    """Stop watching videos: by the daemon, or by deleting their drop-in files.

    An open watch ends without an event.
    """
    if ended == bool(video_ids):
        raise click.UsageError("give either VIDEO_IDs or --ended")
    config = load_project(config_path)
    listings = all_listings(config)
    known = [*listings, _kept_by_daemon(config)]
    keys = _ended(config) if ended else [_key(video, gateway, known) for video in video_ids]
    keys = list(dict.fromkeys(keys))
    removed = 0
    for key in keys:
        files = [each for each in listings if any(spec.key == key for spec in each.specs)]
        for listing in files:
            removed += _remove(config, listing, key, skip_config=ended)
        if not files and not ended:
            gateway_part, video_part = (quote(part, safe="") for part in key)
            ask_daemon(config, "DELETE", f"/v1/watches/{gateway_part}/{video_part}")
            click.echo(f"removed {key.video_id}")
    if ended:
        click.echo(f"removed {removed} drop-in{'' if removed == 1 else 's'}")
    return 0


def _remove(config: Config, listing: Listing, key: WatchKey, *, skip_config: bool) -> int:
    if listing.source == config.listing.source:
        if skip_config:
            return 0
        raise NotifierError(f"{key} is listed in {config.path}: remove it there")
    path = file_of(config, listing.source)
    remove_dropin(path)
    click.echo(f"removed {path}")
    return 1


def _key(video_id: str, gateway: str | None, listings: Sequence[Listing]) -> WatchKey:
    """Find the one watch that `video_id` means."""
    keys = {
        spec.key
        for listing in listings
        for spec in listing.specs
        if spec.key.video_id == video_id and gateway in {None, spec.key.gateway}
    }
    if not keys:
        raise NotifierError(f"{video_id} is not listed; see: notifier watch list")
    if len(keys) > 1:
        names = ", ".join(sorted(key.gateway for key in keys))
        raise NotifierError(f"{video_id} is watched on {names}: say which with --gateway")
    return keys.pop()


def _kept_by_daemon(config: Config) -> Listing:
    """Return the open watches that no file has to list."""
    with open_reader(config.store_path) as reader:
        views = [] if reader is None else reader.watches(WatchFilter(state=WatchState.OPEN))
    specs = [view.watch.spec for view in views if API_SOURCE in view.sources]
    return Listing(API_SOURCE, tuple(specs))


def _ended(config: Config) -> list[WatchKey]:
    with open_reader(config.store_path) as reader:
        views = reader.watches() if reader is not None else []
    return [view.watch.key for view in views if view.watch.state is WatchState.ENDED]


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
        print_table(_table(rows))
    else:
        click.echo("nothing is watched; add a video with: notifier watch add VIDEO_ID")
    return 0


def _rows(config: Config, *, show_all: bool) -> list[dict[str, object]]:
    """Join what files list with what the store knows; the keys are the `--json` contract."""
    listed: dict[WatchKey, list[str]] = {}
    for listing in all_listings(config):
        for spec in listing.specs:
            listed.setdefault(spec.key, []).append(listing.source)
    with open_reader(config.store_path) as reader:
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
    kept = view is not None and API_SOURCE in view.sources
    return [*files, API_SOURCE] if kept else files


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
    }


def _table(rows: Sequence[dict[str, object]]) -> Table:
    table = Table("Video", "Gateway", "State", "Progress", "Event", "Deliveries", box=None)
    for row in rows:
        progress = row["progress"]
        deliveries = row["deliveries"]
        assert isinstance(deliveries, dict)  # noqa: S101 - made in `_row`
        table.add_row(
            str(row["video_id"]),
            str(row["gateway"]),
            str(row["status"] if row["state"] == "open" and row["status"] else row["state"]),
            "" if progress is None else f"{progress} %",
            str(row["event_type"] or ""),
            ", ".join(f"{count} {state}" for state, count in sorted(deliveries.items())),
        )
    return table
