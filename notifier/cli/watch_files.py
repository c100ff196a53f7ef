"""Adds watches where files are involved: with the validated config and what files list."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from notifier.cli.daemon_client import DaemonUnreachableError
from notifier.cli.dropins import (
    dropin_path,
    is_rewritable,
    update_dropin,
    watch_entry,
    write_dropins,
)
from notifier.cli.watch_adding import Outcome, has_ended, post, views_of
from notifier.cli.watch_listings import all_listings, file_of
from notifier.cli.watch_requests import WatchRequest
from notifier.config import Config, check_watch
from notifier.errors import ConfigError, NotifierError
from notifier.model.views import WatchView
from notifier.model.watch import WatchKey, WatchSpec, WatchState

_ONLY_DAEMON = ("callback_url", "callback_endpoint")

Listed = Sequence[tuple[str, WatchSpec]]
"""The sources that list a watch, each with the settings it has there."""


@dataclass(slots=True)
class _Plan:
    """The watches to add, each with its request, by what has to be done for it."""

    new: list[tuple[WatchRequest, WatchSpec]] = field(default_factory=list)
    changed: dict[Path, list[WatchSpec]] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)


def add_with_files(config: Config, requests: Sequence[WatchRequest], *, again: bool) -> Outcome:
    """Add watches: in the files that list them, through the daemon, or in new drop-ins."""
    plan = _plan(config, requests, again=again)
    for path, specs in plan.changed.items():
        update_dropin(path, specs)
    if plan.new:
        _add_new(config, plan, again=again)
    return plan.outcome


def _plan(config: Config, requests: Sequence[WatchRequest], *, again: bool) -> _Plan:
    plan = _Plan()
    wanted: dict[WatchKey, tuple[WatchRequest, WatchSpec]] = {}
    for request in requests:
        try:
            spec = _checked(request, config)
        except NotifierError as error:
            plan.outcome.errors.append(request.error(str(error)))
        else:
            wanted[spec.key] = (request, spec)
    listed = _listed(config)
    views = views_of(config, list(wanted))
    for key, (request, spec) in wanted.items():
        once_more = again or request.entry.get("again") is True
        _place(config, plan, request, spec, listed.get(key, ()), views.get(key), again=once_more)
    return plan


def _checked(request: WatchRequest, config: Config) -> WatchSpec:
    """Return the validated watch; raises NotifierError with what is wrong with it."""
    entry = {name: value for name, value in request.entry.items() if name != "again"}
    for name in _ONLY_DAEMON:
        if entry.pop(name, None) is not None and request.origin:
            raise NotifierError(f"{name} needs a running daemon and a watch that no file lists")
    try:
        return check_watch(entry, config)
    except ConfigError as error:
        texts = [str(replace(each, where=each.key, key="")) for each in error.problems]
        raise NotifierError("; ".join(texts)) from None


def _listed(config: Config) -> Mapping[WatchKey, Listed]:
    listed: dict[WatchKey, list[tuple[str, WatchSpec]]] = {}
    for listing in all_listings(config):
        for spec in listing.specs:
            listed.setdefault(spec.key, []).append((listing.source, spec))
    return listed


def _place(
    config: Config,
    plan: _Plan,
    request: WatchRequest,
    spec: WatchSpec,
    listed: Listed,
    view: WatchView | None,
    *,
    again: bool,
) -> None:
    """Put one watch into the plan, or its error into the outcome."""
    generation = 1 if view is None else view.watch.spec.generation
    if not again and view is not None and view.watch.state is WatchState.ENDED:
        error = has_ended(spec.key, view.event_type, view.event_id)
        plan.outcome.ended.append(spec.key)
        plan.outcome.errors.append(request.error(error))
        return
    if again and view is not None and view.watch.state is not WatchState.OPEN:
        generation += 1
    own = next((each for each in listed if _is_own(config, each[0], spec.key)), None)
    kept = own[1] if own is not None else None if view is None else view.watch.spec
    spec = replace(_with_settings_of(spec, kept), generation=generation)
    other = next(
        (each for each in listed if each is not own and each[1].generation == generation), None
    )
    if other is not None and other[1] != spec:
        file = file_of(config, other[0])
        error = f"{spec.key} is already listed in {file} with other settings: change it there"
        plan.outcome.errors.append(request.error(error))
    elif other is not None or (own is not None and own[1] == spec):
        source = (other or own or ("",))[0]
        plan.outcome.watched.append((spec.key, generation, str(file_of(config, source))))
    elif own is not None:
        path = file_of(config, own[0])
        plan.changed.setdefault(path, []).append(spec)
        plan.outcome.watched.append((spec.key, generation, str(path)))
    else:
        plan.new.append((request, spec))


def _is_own(config: Config, source: str, key: WatchKey) -> bool:
    """Return whether `notifier watch add` wrote the file and may change this watch in it."""
    path = file_of(config, source)
    return path == dropin_path(config.watch_dir, key) or (
        path.parent == config.watch_dir and is_rewritable(path)
    )


def _with_settings_of(spec: WatchSpec, earlier: WatchSpec | None) -> WatchSpec:
    """Return `spec` with the settings of `earlier` when it has none: adding twice keeps them."""
    unset = not spec.metadata and spec.endpoints is None and spec.give_up_after is None
    if earlier is None or not unset:
        return spec
    return replace(earlier, generation=spec.generation)


def _add_new(config: Config, plan: _Plan, *, again: bool) -> None:
    """Have the daemon keep the new watches, or write drop-ins for them."""
    requests = [request for request, _ in plan.new]
    with suppress(DaemonUnreachableError):
        outcome = post(
            config,
            requests,
            [
                daemon_item(spec, again=again or request.entry.get("again") is True)
                for request, spec in plan.new
            ],
        )
        plan.outcome.watched += outcome.watched
        plan.outcome.ended += outcome.ended
        plan.outcome.errors += outcome.errors
        return
    specs = [spec for _, spec in plan.new]
    for spec, path in zip(specs, write_dropins(config.watch_dir, specs), strict=True):
        plan.outcome.watched.append((spec.key, spec.generation, str(path)))


def daemon_item(spec: WatchSpec, *, again: bool) -> Mapping[str, object]:
    """Return the daemon's item for a watch; it counts generations itself."""
    entry = watch_entry(spec)
    entry.pop("generation", None)
    return {**entry, "again": again}
