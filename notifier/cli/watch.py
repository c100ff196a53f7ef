"""`notifier watch`: list videos to be watched, and see what became of them."""

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.table import Table

from notifier.cli.common import (
    checked_watch,
    config_option,
    json_option,
    load_config,
    print_json,
    print_table,
)
from notifier.cli.dropins import dropin_path, remove_dropin, write_dropin
from notifier.cli.follow import follow, report
from notifier.cli.params import DURATION
from notifier.config import Config
from notifier.errors import NotifierError
from notifier.model.watch import Listing, WatchKey, WatchSpec, WatchState
from notifier.store import daemon_is_running, open_reader
from notifier.store.reader import WatchView
from notifier.watching.folder import Folder


@click.group("watch")
def watch_group() -> None:
    """Add, remove and list watched videos."""


@watch_group.command("add")
@config_option
@click.argument("video_ids", metavar="VIDEO_ID...", nargs=-1, required=True)
@click.option("--gateway", help="Gateway's name; not needed when only one is configured.")
@click.option("--endpoint", "endpoints", multiple=True, help="Only this endpoint; repeatable.")
@click.option("--metadata", metavar="KEY=VALUE", multiple=True, help="Handed back in the event.")
@click.option("--give-up-after", type=DURATION, help="Overrides the gateway's.")
@click.option("--again", is_flag=True, help="Watch videos again that have already ended.")
@click.option("--wait", is_flag=True, help="Follow one video until its event exists.")
def add_command(  # noqa: PLR0913 - one parameter per option
    config_path: Path | None,
    *,
    video_ids: tuple[str, ...],
    gateway: str | None,
    endpoints: tuple[str, ...],
    metadata: tuple[str, ...],
    give_up_after: float | None,
    again: bool,
    wait: bool,
) -> int:
    """Watch videos: writes one drop-in file for each.

    With --wait the exit code is 0 only when the video completed.
    """
    if wait and len(video_ids) > 1:
        raise click.UsageError("--wait follows one video; give one VIDEO_ID")
    config = load_config(config_path)
    tags = _metadata(metadata)
    entries = [_entry(video_id, gateway, endpoints, tags, give_up_after) for video_id in video_ids]
    asked = list({(s := checked_watch(entry, config)).key: s for entry in entries}.values())
    listings = _listings(config)
    with open_reader(config.store_path) as reader:
        known = [reader.watch(spec.key) if reader is not None else None for spec in asked]
    if wait and not again and (over := _event_of(known[0])) is not None:
        return report(asked[0].key, over)
    specs = [
        _to_write(spec, view, listings, config, again=again)
        for spec, view in zip(asked, known, strict=True)
    ]
    for spec in specs:
        path = write_dropin(config.watch_dir, spec)
        click.echo(f"watching {spec.key.video_id} on {spec.key.gateway} ({path})", err=wait)
    if not daemon_is_running(config.store_path):
        named = "" if config_path is None else f" -c {shlex.quote(str(config_path))}"
        hint = f"no daemon is running on this config; start one with: notifier run{named}"
        click.echo(hint, err=True)
    return follow(config, specs[0]) if wait else 0


def _metadata(pairs: Sequence[str]) -> dict[str, str]:
    tags = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--metadata takes KEY=VALUE, not {pair!r}")
        tags[name] = value
    return tags


def _entry(
    video_id: str,
    gateway: str | None,
    endpoints: Sequence[str],
    metadata: dict[str, str],
    give_up_after: float | None,
) -> dict[str, object]:
    """Return the `[[watches]]` entry that the options describe."""
    entry: dict[str, object] = {"video_id": video_id}
    if gateway is not None:
        entry["gateway"] = gateway
    if endpoints:
        entry["endpoints"] = list(endpoints)
    if metadata:
        entry["metadata"] = metadata
    if give_up_after is not None:
        entry["give_up_after"] = give_up_after
    return entry


def _event_of(view: WatchView | None) -> WatchView | None:
    """Return `view` if its watch has ended, and so has its event."""
    return view if view is not None and view.watch.state is WatchState.ENDED else None


def _to_write(
    spec: WatchSpec,
    view: WatchView | None,
    listings: Sequence[Listing],
    config: Config,
    *,
    again: bool,
) -> WatchSpec:
    """Return what to put into the drop-in for `spec`, given what is listed and known already.

    Raises NotifierError when the daemon would ignore it.
    """
    generation = 1 if view is None else view.watch.spec.generation
    if _event_of(view) is not None and view is not None:
        if not again:
            raise NotifierError(
                f"{spec.key} has already ended as {view.event_type} ({view.event_id}); "
                "to watch it again: --again"
            )
        generation += 1
    own = dropin_path(config.watch_dir, spec.key).name
    earlier = [
        (listing.source, listed)
        for listing in listings
        for listed in listing.specs
        if listed.key == spec.key
    ]
    kept = next((listed for source, listed in earlier if source == own), None)
    if kept is None and view is not None:
        kept = view.watch.spec
    spec = replace(_with_settings_of(spec, kept), generation=generation)
    for source, listed in earlier:
        if source != own and listed.generation == generation and listed != spec:
            raise NotifierError(
                f"{spec.key} is already listed in {_file(config, source)} with other settings: "
                "change it there"
            )
    return spec


def _with_settings_of(spec: WatchSpec, earlier: WatchSpec | None) -> WatchSpec:
    """Keep what was set before, unless something is set now: adding twice must not erase."""
    silent = not spec.metadata and spec.endpoints is None and spec.give_up_after is None
    if earlier is None or not silent:
        return spec
    return replace(earlier, generation=spec.generation)


def _file(config: Config, source: str) -> Path:
    return config.path if source == config.listing.source else config.watch_dir / source


def _listings(config: Config) -> list[Listing]:
    """Return what all usable files list, after a warning about those that are not."""
    contents = Folder(config).look()
    for problem in contents.problems:
        click.secho(f"notifier: warning: {problem}", fg="yellow", err=True)
    return [config.listing, *contents.listings]


@watch_group.command("remove")
@config_option
@click.argument("video_ids", metavar="[VIDEO_ID...]", nargs=-1)
@click.option("--gateway", help="Gateway's name; not needed when only one lists the id.")
@click.option("--ended", is_flag=True, help="Remove the drop-ins of all watches that have ended.")
def remove_command(
    config_path: Path | None, *, video_ids: tuple[str, ...], gateway: str | None, ended: bool
) -> int:
    """Stop watching videos: deletes their drop-in files. An open watch ends without an event."""
    if ended == bool(video_ids):
        raise click.UsageError("give either VIDEO_IDs or --ended")
    config = load_config(config_path)
    listings = _listings(config)
    keys = _ended(config) if ended else [_key(video, gateway, listings) for video in video_ids]
    keys = list(dict.fromkeys(keys))
    removed = 0
    for key in keys:
        for listing in listings:
            if any(spec.key == key for spec in listing.specs):
                removed += _remove(config, listing, key, skip_config=ended)
    if ended:
        click.echo(f"removed {removed} drop-in{'' if removed == 1 else 's'}")
    return 0


def _remove(config: Config, listing: Listing, key: WatchKey, *, skip_config: bool) -> int:
    if listing.source == config.listing.source:
        if skip_config:
            return 0
        raise NotifierError(f"{key} is listed in {config.path}: remove it there")
    path = _file(config, listing.source)
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


def _ended(config: Config) -> list[WatchKey]:
    with open_reader(config.store_path) as reader:
        views = reader.watches() if reader is not None else []
    return [view.watch.key for view in views if view.watch.state is WatchState.ENDED]


@watch_group.command("list")
@config_option
@json_option
@click.option("--all", "show_all", is_flag=True, help="Also those that no file lists any more.")
def list_command(config_path: Path | None, *, as_json: bool, show_all: bool) -> int:
    """List watched videos and what became of them."""
    config = load_config(config_path)
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
    for listing in _listings(config):
        for spec in listing.specs:
            listed.setdefault(spec.key, []).append(listing.source)
    with open_reader(config.store_path) as reader:
        views = reader.watches() if reader is not None else []
    known = {view.watch.key: view for view in views}
    keys = dict.fromkeys((*known, *listed))
    return [
        _row(key, known.get(key), listed.get(key, []))
        for key in keys
        if show_all or key in listed or known[key].watch.state is WatchState.OPEN
    ]


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
