"""Adds watches: through the running daemon, which keeps them, or in drop-in files.

Without the config validated, only the daemon can be asked. That suffices unless no daemon runs or
a file lists one of the watches already: then its settings are changed in that file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifier.cli.dropins import watch_entry
from notifier.cli.project import Project
from notifier.cli.watch_batches import ask_for_each, refusal_of
from notifier.cli.watch_requests import WatchRequest
from notifier.model.views import WatchView
from notifier.model.watch import NO_FILES, WatchKey, WatchState
from notifier.store.access import reader_of

_SETTINGS = frozenset({"endpoints", "metadata", "give_up_after"})
KEPT_BY_DAEMON = "the daemon keeps it"


@dataclass(slots=True)
class Outcome:
    """What became of the requests; a watch with its generation and where it is kept."""

    watched: list[tuple[WatchKey, int, str]] = field(default_factory=list)
    ended: list[WatchKey] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def add_through_daemon(
    project: Project, requests: Sequence[WatchRequest], *, again: bool
) -> Outcome | None:
    """Have the daemon watch what is requested; None when a file lists one of the watches.

    Raises DaemonUnreachableError.
    """
    keys = [_key(project, request.entry) for request in requests]
    views = views_of(project, [key for key in keys if key is not None])
    if any(is_in_file(view) for view in views.values()):
        return None
    items = [
        _item(request.entry, None if key is None else views.get(key), again=again)
        for request, key in zip(requests, keys, strict=True)
    ]
    return post(project, requests, items)


def post(
    project: Project,
    requests: Sequence[WatchRequest],
    items: Sequence[Mapping[str, object]],
) -> Outcome:
    """Have the daemon watch `items`, one for each request. Raises DaemonUnreachableError."""
    outcome = Outcome()
    for request, result in zip(requests, ask_for_each(project, "/v1/watches", items), strict=True):
        refusal = refusal_of(result)
        if refusal is None:
            _granted(outcome, request, result["watch"])
        else:
            outcome.errors.append(request.error(refusal))
    return outcome


def _granted(outcome: Outcome, request: WatchRequest, row: Mapping[str, Any]) -> None:
    key = WatchKey(row["gateway"], row["video_id"])
    if row["state"] == WatchState.ENDED:
        outcome.ended.append(key)
        outcome.errors.append(request.error(has_ended(key, row["event_type"], row["event_id"])))
    else:
        outcome.watched.append((key, row["generation"], KEPT_BY_DAEMON))


def has_ended(key: WatchKey, event_type: str | None, event_id: str | None) -> str:
    """Return the error for a watch that has its event already."""
    return f"{key} has already ended as {event_type} ({event_id}); to watch it again: --again"


def views_of(project: Project, keys: Sequence[WatchKey]) -> dict[WatchKey, WatchView]:
    """Return what the store knows about the watches of `keys`."""
    with reader_of(project.store) as reader:
        if reader is None:
            return {}
        views = ((key, reader.watch(key)) for key in keys)
        return {key: view for key, view in views if view is not None}


def is_in_file(view: WatchView) -> bool:
    """Return whether the config or a drop-in lists the watch."""
    return not NO_FILES.issuperset(view.sources)


def _key(project: Project, entry: Mapping[str, object]) -> WatchKey | None:
    """Return the identity that an entry has, None where the daemon must refuse it."""
    names = list(project.gateways)
    gateway = entry.get("gateway", names[0] if len(names) == 1 else None)
    video_id = entry.get("video_id")
    if not isinstance(gateway, str) or not isinstance(video_id, str):
        return None
    return WatchKey(gateway, video_id)


def _item(
    entry: Mapping[str, object], view: WatchView | None, *, again: bool
) -> Mapping[str, object]:
    """Return the daemon's item for an entry; one without settings keeps those of `view`."""
    settings: Mapping[str, object] = {}
    if view is not None and not entry.keys() & _SETTINGS:
        known = watch_entry(view.watch.spec)
        settings = {name: value for name, value in known.items() if name in _SETTINGS}
    return {"again": again, **settings, **entry}
