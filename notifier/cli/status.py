"""`notifier status`: gateways, endpoints and open videos, once or refreshed every second."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from notifier.app.redaction import STATES, endpoint_rows
from notifier.cli.config_loading import load_project
from notifier.cli.daemon_client import DaemonUnreachableError, ask_daemon
from notifier.cli.options import config_option, json_option
from notifier.cli.output import print_json
from notifier.config import Config
from notifier.model.condition import LastPoll
from notifier.model.views import Row, WatchView
from notifier.model.watch import WatchKey
from notifier.store import open_reader
from notifier.store.queries import WatchFilter

_REFRESH_INTERVAL = 1.0
_MAX_VIDEOS = 200
_PAGE = 1000
_BAR = 24


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The state of everything at one moment; `daemon` is None when no daemon runs."""

    daemon: Mapping[str, Any] | None
    open_watches: int
    videos: Sequence[WatchView]
    endpoints: Sequence[Row]
    now: float

    def as_row(self) -> Row:
        """Return the report as `--json` shows it."""
        live = None
        if self.daemon is not None:
            live = {key: self.daemon[key] for key in ("version", "pid", "uptime_seconds")}
        return {
            "daemon": live,
            "open_watches": self.open_watches,
            "gateways": [] if self.daemon is None else self.daemon["gateways"],
            "endpoints": list(self.endpoints),
            "videos": [
                {**view.as_row(), "eta_seconds": eta(view, self.now)} for view in self.videos
            ],
        }


@click.command("status")
@config_option
@json_option
@click.option("--follow", is_flag=True, help="Keep showing, until Ctrl-C.")
def status_command(config_path: Path | None, *, as_json: bool, follow: bool) -> int:
    """Show open videos with their progress, endpoints with their health, gateways and budgets.

    Also works while no daemon runs: then it shows what the last one left. Off a terminal every
    open video is listed.
    """
    if as_json and follow:
        raise click.UsageError("--json prints one report; leave out --follow")
    config = load_project(config_path)
    if follow:
        _follow(config)
        return 0
    console = Console(highlight=False)
    some = console.is_terminal and not as_json
    report = read_status(config, _MAX_VIDEOS if some else None)
    if as_json:
        print_json([report.as_row()])
    else:
        console.print(_shown(report))
    return 0


def read_status(config: Config, most: int | None = None) -> StatusReport:
    """Read the status of the daemon, if one runs, and of the store, with `most` videos (all)."""
    try:
        daemon = ask_daemon(config, "GET", "/v1/status")
    except DaemonUnreachableError:
        daemon = None
    with open_reader(config.store_path) as reader:
        if reader is None:
            watches, videos, endpoint_views = {}, [], {}
        else:
            watches = reader.open_watches()
            videos = reader.watches(WatchFilter(state="open", limit=-1 if most is None else most))
            endpoint_views = reader.endpoint_views()
    endpoints = endpoint_rows(config, endpoint_views)
    if daemon is not None:
        videos = list(_with_last_polls(videos, last_polls(config, most)))
        failing = {each["name"]: each["failing"] for each in daemon["endpoints"]}
        endpoints = [{**row, "failing": failing.get(str(row["name"]))} for row in endpoints]
    return StatusReport(daemon, sum(watches.values()), videos, endpoints, time.time())


def last_polls(config: Config, most: int | None) -> dict[WatchKey, LastPoll]:
    """Return what the daemon knows of the last poll of the `most` oldest open watches (all)."""
    known: dict[WatchKey, LastPoll] = {}
    seen, limit = 0, min(most or _PAGE, _PAGE)
    while True:
        query = f"state=open&limit={limit}&after={seen}"
        rows = ask_daemon(config, "GET", f"/v1/watches?{query}")["data"]
        for row in rows:
            if row.get("last_asked_at") is not None:
                key = WatchKey(row["gateway"], row["video_id"])
                known[key] = LastPoll(row["last_asked_at"], row["last_outcome"])
        seen += len(rows)
        if len(rows) < limit or most is not None:
            return known


def _with_last_polls(
    views: Sequence[WatchView], polls: Mapping[WatchKey, LastPoll]
) -> Iterator[WatchView]:
    for view in views:
        yield replace(view, last_poll=polls.get(view.watch.key))


def eta(view: WatchView, now: float) -> int | None:
    """Return the estimated seconds until a video is done, from its average progress so far."""
    snapshot = view.watch.snapshot
    if snapshot is None or not snapshot.progress or snapshot.created_at is None:
        return None
    elapsed = now - snapshot.created_at
    left = elapsed * (100 - snapshot.progress) / snapshot.progress
    return round(left) if elapsed > 0 else None


def _follow(config: Config) -> None:
    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
        while True:
            live.update(_shown(read_status(config, _MAX_VIDEOS)), refresh=True)
            time.sleep(_REFRESH_INTERVAL)


def _shown(report: StatusReport) -> RenderableType:
    return Group(*_parts(report))


def _parts(report: StatusReport) -> Iterator[RenderableType]:
    daemon = report.daemon
    watching = f"{report.open_watches} open watch{'' if report.open_watches == 1 else 'es'}"
    if daemon is None:
        yield Text(f"no daemon is running; {watching}", style="yellow")
    else:
        up = timedelta(seconds=daemon["uptime_seconds"])
        yield Text(f"notifier {daemon['version']}, pid {daemon['pid']}, up {up}; {watching}")
        yield Text()
        yield _gateways(daemon["gateways"], report.now)
        for row in daemon["gateways"]:
            if _is_troubled(row) and row["last_error"]:
                error = f"{row['name']}: {row['last_error']}"
                yield Text(f"{error} ({_ago(row['last_error_at'], report.now)})", "red")
    if report.endpoints:
        yield Text()
        yield _endpoints(report.endpoints)
    if report.videos:
        yield Text()
        yield _videos(report)
        hidden = report.open_watches - len(report.videos)
        if hidden > 0:
            yield Text(f"and {hidden} more", style="dim")


_STATE_TEXTS = {
    "paused": "paused: it refuses the key",
    "failing": "failing: it does not answer",
    "limited": "limited: it asks for fewer requests",
    "ok": "ok",
}


def _is_troubled(row: Mapping[str, Any]) -> bool:
    return row["state"] in {"paused", "failing"}


def _ago(moment: float | None, now: float) -> str:
    """Return how long ago a moment was, in words."""
    if moment is None:
        return "never"
    return f"{timedelta(seconds=max(round(now - moment), 0))} ago"


def _gateways(rows: Sequence[Mapping[str, Any]], now: float) -> Table:
    table = Table("Gateway", "Watches", "Requests/s", "Budget", "Answered", "State", box=None)
    for row in rows:
        style = {"ok": "green", "limited": "yellow"}.get(row["state"], "red")
        state = Text(_STATE_TEXTS[row["state"]], style)
        if row["state"] != "ok":
            state.append(f", since {_ago(row['since'], now).removesuffix(' ago')}")
        table.add_row(
            Text(row["name"]),
            str(row["open_watches"]),
            f"{row['requests_per_second']:.2f}",
            f"{row['max_requests_per_second']:g}",
            _ago(row["last_answer_at"], now),
            state,
        )
    return table


def _endpoints(rows: Sequence[Row]) -> Table:
    table = Table("Endpoint", "To", "Deliveries", "State", box=None)
    for row in rows:
        table.add_row(
            Text(str(row["name"])),
            Text(str(row["to"])),
            ", ".join(f"{row[state]} {state}" for state in STATES if row[state]),
            _health(row),
        )
    return table


def _health(row: Row) -> Text:
    if row["disabled"]:
        return Text(f"disabled: {row['disabled']}", "red")
    return Text("failing", "red") if row.get("failing") else Text("ok", "green")


def _videos(report: StatusReport) -> Table:
    video = Column("Video", overflow="fold")  # whole: ids are there to be copied
    table = Table(video, "Gateway", "Status", "Progress", "", "Left", "Asked", box=None)
    for view in report.videos:
        snapshot, left = view.watch.snapshot, eta(view, report.now)
        progress = (snapshot.progress if snapshot is not None else None) or 0
        table.add_row(
            Text(view.watch.key.video_id),
            Text(view.watch.key.gateway),
            Text(_video_status(view)),
            ProgressBar(total=100, completed=progress, width=_BAR),
            f"{progress:3} %",
            "" if left is None else f"~{timedelta(seconds=left)}",
            "" if view.last_poll is None else _ago(view.last_poll.at, report.now),
        )
    return table


def _video_status(view: WatchView) -> str:
    """Return the status of a video; of one that was never seen, what came of asking."""
    snapshot, poll = view.watch.snapshot, view.last_poll
    if snapshot is not None:
        return snapshot.status or snapshot.word
    return "not asked yet" if poll is None else f"not seen yet: {poll.outcome}"
