"""`notifier watch add`: watches videos, through the daemon or through drop-in files."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click

from notifier.cli.config_loading import checked_watch, load_project
from notifier.cli.daemon_client import DaemonUnreachableError, ask_daemon
from notifier.cli.dropins import dropin_path, watch_entry, write_dropin
from notifier.cli.options import config_option
from notifier.cli.param_types import DURATION
from notifier.cli.watch_follow import follow, report
from notifier.cli.watch_list import all_listings, file_of, list_command, remove_command
from notifier.config import Config
from notifier.errors import NotifierError
from notifier.model.views import WatchView
from notifier.model.watch import Listing, WatchSpec, WatchState
from notifier.store import daemon_is_running, open_reader


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
    """Watch videos: tells the running daemon, or writes one drop-in file for each.

    With --wait the exit code is 0 only when the video completed.
    """
    if wait and len(video_ids) > 1:
        raise click.UsageError("--wait follows one video; give one VIDEO_ID")
    config = load_project(config_path)
    tags = _metadata(metadata)
    entries = [_entry(video_id, gateway, endpoints, tags, give_up_after) for video_id in video_ids]
    asked = list({(s := checked_watch(entry, config)).key: s for entry in entries}.values())
    listings = all_listings(config)
    with open_reader(config.store_path) as reader:
        known = [reader.watch(spec.key) if reader is not None else None for spec in asked]
    if wait and not again and (over := _if_ended(known[0])) is not None:
        return report(asked[0].key, over)
    specs = [
        _watch_to_write(spec, view, listings, config, again=again)
        for spec, view in zip(asked, known, strict=True)
    ]
    for spec in specs:
        kept_in = _hand_over(config, spec, listings, again=again)
        click.echo(f"watching {spec.key.video_id} on {spec.key.gateway} ({kept_in})", err=wait)
    if not daemon_is_running(config.store_path):
        named = "" if config_path is None else f" -c {shlex.quote(str(config_path))}"
        hint = f"no daemon is running on this config; start one with: notifier run{named}"
        click.echo(hint, err=True)
    return follow(config, specs[0]) if wait else 0


def _hand_over(
    config: Config, spec: WatchSpec, listings: Sequence[Listing], *, again: bool
) -> str:
    """Have the daemon watch `spec`, or write a drop-in; return where it is kept.

    A watch that a file lists already stays in that file.
    """
    if not any(listed.key == spec.key for listing in listings for listed in listing.specs):
        with suppress(DaemonUnreachableError):
            ask_daemon(config, "POST", "/v1/watches", _for_daemon(spec, again=again))
            return "the daemon keeps it"
    return str(write_dropin(config.watch_dir, spec))


def _for_daemon(spec: WatchSpec, *, again: bool) -> dict[str, object]:
    """Return the request for the daemon, which counts generations itself."""
    entry = watch_entry(spec)
    entry.pop("generation", None)
    return {**entry, "again": again}


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


def _if_ended(view: WatchView | None) -> WatchView | None:
    """Return `view` if its watch has ended, else None."""
    return view if view is not None and view.watch.state is WatchState.ENDED else None


def _watch_to_write(
    spec: WatchSpec,
    view: WatchView | None,
    listings: Sequence[Listing],
    config: Config,
    *,
    again: bool,
) -> WatchSpec:
    """Return the watch to write for `spec`, given what is listed and stored already.

    Raises NotifierError when the daemon would ignore it.
    """
    generation = 1 if view is None else view.watch.spec.generation
    if not again and view is not None and _if_ended(view) is not None:
        raise NotifierError(
            f"{spec.key} has already ended as {view.event_type} ({view.event_id}); "
            "to watch it again: --again"
        )
    if again and view is not None and view.watch.state is not WatchState.OPEN:
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
                f"{spec.key} is already listed in {file_of(config, source)} with other settings: "
                "change it there"
            )
    return spec


def _with_settings_of(spec: WatchSpec, earlier: WatchSpec | None) -> WatchSpec:
    """Return `spec` with the settings of `earlier` when it has none: adding twice keeps them."""
    unset = not spec.metadata and spec.endpoints is None and spec.give_up_after is None
    if earlier is None or not unset:
        return spec
    return replace(earlier, generation=spec.generation)


watch_group.add_command(remove_command)
watch_group.add_command(list_command)
