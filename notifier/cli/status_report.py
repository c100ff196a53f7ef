"""What `notifier status` shows: what the daemon says, if one runs, and what the store has."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from notifier.app.redaction import endpoint_rows
from notifier.cli.daemon_client import DaemonUnreachableError, ask_daemon
from notifier.cli.project import Project
from notifier.model.cluster_view import ClusterView
from notifier.model.condition import LastPoll
from notifier.model.views import EndpointView, Row, WatchView
from notifier.model.watch import WatchKey
from notifier.store.access import reader_of
from notifier.store.queries import NO_LIMIT, WatchFilter

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of everything at one moment; `daemon` is None when none runs on this machine.

    `instances` are those that share the store, if it is in a database.
    """

    daemon: Mapping[str, Any] | None
    open_watches: int
    videos: Sequence[WatchView]
    endpoints: Sequence[Row]
    now: float
    instances: Sequence[Mapping[str, Any]] = ()

    def as_row(self) -> Row:
        """Return the report as `--json` shows it."""
        live = None
        if self.daemon is not None:
            live = {key: self.daemon[key] for key in ("version", "pid", "uptime_seconds")}
        return {
            "daemon": live,
            "open_watches": self.open_watches,
            "gateways": [] if self.daemon is None else self.daemon["gateways"],
            "archive": None if self.daemon is None else self.daemon.get("archive"),
            "endpoints": list(self.endpoints),
            "instances": list(self.instances),
            "videos": [
                {**view.as_row(), "eta_seconds": eta(view, self.now)} for view in self.videos
            ],
        }


def read_status(project: Project, most: int | None = None) -> StatusReport:
    """Read the status of the daemon, if one runs, and of the store, with `most` videos (all)."""
    daemon: Mapping[str, Any] | None = None
    polls: Mapping[WatchKey, LastPoll] = {}
    with suppress(DaemonUnreachableError):
        polls = last_polls(project, most)
        daemon = ask_daemon(project, "GET", "/v1/status")
    with reader_of(project.store) as reader:
        watches = {} if reader is None else reader.open_watches()
        wanted = WatchFilter(state="open", limit=NO_LIMIT if most is None else most)
        videos = [] if reader is None else reader.watches(wanted)
        views = {} if reader is None or daemon is not None else reader.endpoint_views()
        cluster = ClusterView() if reader is None or daemon is not None else reader.cluster()
    if daemon is not None:
        videos = [replace(view, last_poll=polls.get(view.watch.key)) for view in videos]
    if daemon is None:
        endpoints, instances = _endpoints(project, views, cluster.lanes), cluster.as_rows()
    else:
        endpoints, instances = daemon["endpoints"], daemon.get("instances", ())
    return StatusReport(daemon, sum(watches.values()), videos, endpoints, time.time(), instances)


def _endpoints(
    project: Project, views: Mapping[str, EndpointView], lanes: Mapping[str, str]
) -> list[Row]:
    """Return a row for each endpoint of the config."""
    from notifier.cli.config_loading import load_project  # noqa: PLC0415 - slow

    return endpoint_rows(load_project(project.path), views, lanes)


def last_polls(project: Project, most: int | None) -> dict[WatchKey, LastPoll]:
    """Return what the daemon knows of the last poll of the `most` oldest open watches (all)."""
    known: dict[WatchKey, LastPoll] = {}
    seen, limit = 0, min(most or _PAGE, _PAGE)
    while True:
        query = f"state=open&limit={limit}&after={seen}"
        rows = ask_daemon(project, "GET", f"/v1/watches?{query}")["data"]
        for row in rows:
            if row.get("last_asked_at") is not None:
                key = WatchKey(row["gateway"], row["video_id"])
                known[key] = LastPoll(row["last_asked_at"], row["last_outcome"])
        seen += len(rows)
        if len(rows) < limit or most is not None:
            return known


def eta(view: WatchView, now: float) -> int | None:
    """Return the estimated seconds until a video is done, from its average progress so far."""
    snapshot = view.watch.snapshot
    if snapshot is None or not snapshot.progress or snapshot.created_at is None:
        return None
    elapsed = now - snapshot.created_at
    left = elapsed * (100 - snapshot.progress) / snapshot.progress
    return round(left) if elapsed > 0 else None
