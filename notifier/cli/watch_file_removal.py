"""Removes watches where files are involved: from drop-ins, with the validated config."""

from collections.abc import Collection, Mapping, Sequence

import click

from notifier.cli.dropins import remove_from_dropin
from notifier.cli.watch_batches import remove_through_daemon
from notifier.cli.watch_listings import all_listings, file_of
from notifier.cli.watch_requests import WatchRequest
from notifier.config import Config
from notifier.config.bad_value import quoted, unknown_name
from notifier.errors import NotifierError
from notifier.model.watch import API_SOURCE, NO_FILES, Listing, WatchKey, WatchState
from notifier.store.access import reader_of
from notifier.store.queries import WatchFilter
from notifier.texts.cleaning import printable


def remove_with_files(config: Config, requests: Sequence[WatchRequest]) -> list[str]:
    """Remove watches from files, or through the daemon those that no file lists.

    Return the errors.
    """
    listings = all_listings(config)
    known = _keys_by_video([*listings, _kept_by_daemon(config)])
    keys: dict[WatchKey, None] = {}
    errors = []
    for request in requests:
        try:
            keys[_key(request, known, config.gateways)] = None
        except NotifierError as error:
            errors.append(request.error(str(error)))
    in_files = {spec.key for listing in listings for spec in listing.specs}
    _, more = _remove_from_files(config, listings, keys, skip_config=False)
    errors += more
    kept = [key for key in keys if key not in in_files]
    return errors + (remove_through_daemon(config, kept) if kept else [])


def remove_ended(config: Config) -> tuple[int, list[str]]:
    """Remove the drop-ins of ended watches; return how many files are deleted, and the errors."""
    return _remove_from_files(config, all_listings(config), _ended(config), skip_config=True)


def _remove_from_files(
    config: Config, listings: Sequence[Listing], keys: Collection[WatchKey], *, skip_config: bool
) -> tuple[int, list[str]]:
    """Take watches out of files; return how many files are deleted, and the errors."""
    removed, errors = 0, []
    for listing in listings:
        here = {spec.key for spec in listing.specs} & set(keys)
        if not here:
            continue
        path = file_of(config, listing.source)
        if path == config.path:
            if not skip_config:
                errors += [f"{key} is listed in {path}: remove it there" for key in sorted(here)]
            continue
        try:
            deleted = remove_from_dropin(path, here)
        except NotifierError as error:
            errors.append(str(error))
            continue
        removed += deleted
        what = "removed" if deleted else f"removed {len(here)} watches from"
        click.echo(f"{what} {printable(str(path))}")
    return removed, errors


def _keys_by_video(listings: Sequence[Listing]) -> dict[str, set[WatchKey]]:
    keys: dict[str, set[WatchKey]] = {}
    for listing in listings:
        for spec in listing.specs:
            keys.setdefault(spec.key.video_id, set()).add(spec.key)
    return keys


def _key(
    request: WatchRequest, known: Mapping[str, set[WatchKey]], gateways: Collection[str]
) -> WatchKey:
    """Return the one watch that a request means; raises NotifierError."""
    video_id, gateway = request.entry.get("video_id"), request.entry.get("gateway")
    keys = {key for key in known.get(str(video_id), set()) if gateway in (None, key.gateway)}
    if not keys and gateway is not None and gateway not in gateways:
        raise NotifierError(unknown_name("gateway", str(gateway), gateways))
    if not keys:
        shown = quoted(video_id) or "the video"
        raise NotifierError(f"{shown} is not watched; see: notifier watch list")
    if len(keys) > 1:
        names = ", ".join(sorted(key.gateway for key in keys))
        raise NotifierError(f"{video_id} is watched on {names}: say which with --gateway")
    return keys.pop()


def _kept_by_daemon(config: Config) -> Listing:
    """Return the open watches that no file has to list."""
    with reader_of(config.store) as reader:
        views = [] if reader is None else reader.watches(WatchFilter(state=WatchState.OPEN))
    specs = [view.watch.spec for view in views if not NO_FILES.isdisjoint(view.sources)]
    return Listing(API_SOURCE, tuple(specs))


def _ended(config: Config) -> set[WatchKey]:
    with reader_of(config.store) as reader:
        views = [] if reader is None else reader.watches(WatchFilter(state=WatchState.ENDED))
    return {view.watch.key for view in views}
