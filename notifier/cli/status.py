"""`notifier status`: gateways, endpoints and open videos, once or refreshed every second."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from notifier.app.redaction import STATES, endpoint_rows
from notifier.cli.daemon_client import DaemonUnreachableError, ask_daemon
from notifier.cli.options import config_option, examples, json_option
from notifier.cli.output import print_json
from notifier.cli.project import Project, find_project
from notifier.cli.tables import TableColumn, make_table, print_whole, terminal_width
from notifier.model.condition import LastPoll
from notifier.model.views import EndpointView, Row, WatchView
from notifier.model.watch import WatchKey
from notifier.store.access import reader_of
from notifier.store.queries import NO_LIMIT, WatchFilter
from notifier.texts.cleaning import printable

_REFRESH_INTERVAL = 1.0
_MAX_VIDEOS = 200
_PAGE = 1000
_BAR = 24
_SHORTEST_STATUS = 16

_GATEWAYS = (
    TableColumn("Gateway"),
    TableColumn("Watches", drop=2),
    TableColumn("Requests/s", drop=3),
    TableColumn("Budget", drop=5),
    TableColumn("Answered", drop=4),
    TableColumn("State", drop=1),
)
_ENDPOINTS = (
    TableColumn("Endpoint"),
    TableColumn("To", drop=3),
    TableColumn("Deliveries", drop=2),
    TableColumn("State", drop=1),
)
_VIDEOS = (
    TableColumn("Video"),
    TableColumn("Gateway", drop=4),
    TableColumn("Status", drop=1, shortest=_SHORTEST_STATUS),
    TableColumn("Progress", drop=5),
    TableColumn("", drop=2),
    TableColumn("Left", drop=3),
    TableColumn("Asked", drop=6),
)


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
            "archive": None if self.daemon is None else self.daemon.get("archive"),
            "endpoints": list(self.endpoints),
            "videos": [
                {**view.as_row(), "eta_seconds": eta(view, self.now)} for view in self.videos
            ],
        }


@examples("notifier status", "notifier status --follow", "notifier status --json")
@click.command("status")
@config_option
@json_option
@click.option("--follow", is_flag=True, help="Keep showing, until Ctrl-C.")
def status_command(config_path: Path | None, *, as_json: bool, follow: bool) -> int:
    """Show open videos, endpoints and gateways.

    Videos are shown with their progress, endpoints with their health, gateways with their budget.

    Also works while no daemon runs: then it shows what the last one left. Off a terminal every
    open video is listed.
    """
    if as_json and follow:
        raise click.UsageError("--json prints one report; leave out --follow")
    project = find_project(config_path)
    if follow:
        _follow(project)
        return 0
    width = None if as_json else terminal_width()
    report = read_status(project, None if width is None else _MAX_VIDEOS)
    if as_json:
        print_json([report.as_row()])
    else:
        for part in _parts(report, width):
            print_whole(part)
    return 0


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
    if daemon is not None:
        videos = [replace(view, last_poll=polls.get(view.watch.key)) for view in videos]
    endpoints = _without_daemon(project, views) if daemon is None else daemon["endpoints"]
    return StatusReport(daemon, sum(watches.values()), videos, endpoints, time.time())


def _without_daemon(project: Project, views: Mapping[str, EndpointView]) -> Sequence[Row]:
    """Return a row for each endpoint of the config."""
    from notifier.cli.config_loading import load_config  # noqa: PLC0415 - slow

    return endpoint_rows(load_config(project.path), views)


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


def _follow(project: Project) -> None:
    console = Console(highlight=False)
    width = console.width if console.is_terminal else None
    with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
        while True:
            report = read_status(project, _MAX_VIDEOS)
            live.update(Group(*_parts(report, width)), refresh=True)
            time.sleep(_REFRESH_INTERVAL)


def _parts(report: StatusReport, width: int | None) -> Iterator[RenderableType]:
    daemon = report.daemon
    watching = f"{report.open_watches} open watch{'' if report.open_watches == 1 else 'es'}"
    if daemon is None:
        yield Text(f"no daemon is running; {watching}", style="yellow")
    else:
        up = timedelta(seconds=daemon["uptime_seconds"])
        yield Text(f"notifier {daemon['version']}, pid {daemon['pid']}, up {up}; {watching}")
        yield Text()
        rows = [_gateway(row, report.now) for row in daemon["gateways"]]
        yield make_table(_GATEWAYS, rows, width)
        for row in daemon["gateways"]:
            if row.get("archive"):
                yield _archive(row["name"], row["archive"], daemon.get("archive"))
            if _state(row) in {"paused", "failing"} and row.get("last_error"):
                error = f"{row['name']}: {row['last_error']}"
                yield Text(f"{printable(error)} ({_ago(row['last_error_at'], report.now)})", "red")
            if row.get("discovery"):
                yield _discovery(row["name"], row["discovery"], report.now)
    if report.endpoints:
        yield Text()
        yield make_table(_ENDPOINTS, [_endpoint(row) for row in report.endpoints], width)
    if report.videos:
        yield Text()
        yield make_table(_VIDEOS, [_video(view, report.now) for view in report.videos], width)
        hidden = report.open_watches - len(report.videos)
        if hidden > 0:
            yield Text(f"and {hidden} more; all of them: notifier watch list", style="dim")


_STATE_STYLES = {"ok": "green", "limited": "yellow"}
_STATE_TEXTS = {
    "paused": "paused: it refuses the key",
    "failing": "failing: it does not answer",
    "limited": "limited: it asks for fewer requests",
    "ok": "ok",
}


def _state(row: Mapping[str, Any]) -> str:
    """Return a gateway's state; a daemon of an earlier version knows only `paused`."""
    return str(row.get("state") or ("paused" if row["paused"] else "ok"))


def _ago(moment: float | None, now: float) -> str:
    """Return how long ago a moment was, in words."""
    if moment is None:
        return "never"
    return f"{timedelta(seconds=max(round(now - moment), 0))} ago"


def _gateway(row: Mapping[str, Any], now: float) -> Sequence[RenderableType]:
    state = Text(_STATE_TEXTS[_state(row)], _STATE_STYLES.get(_state(row), "red"))
    if _state(row) != "ok" and "since" in row:
        state.append(f", since {_ago(row['since'], now).removesuffix(' ago')}")
    return (
        row["name"],
        str(row["open_watches"]),
        f"{row['requests_per_second']:.2f}",
        f"{row['max_requests_per_second']:g}",
        _ago(row.get("last_answer_at"), now),
        state,
    )


_DISCOVERY_TEXTS = {
    "starting": "the list is read for the first time",
    "no_list": "no usable list",
    "failing": "the list cannot be read",
}


def _discovery(name: str, row: Mapping[str, Any], now: float) -> Text:
    """Return one line about discovery on a gateway."""
    if row["state"] == "ok":
        text = f"list read {_ago(row['last_read_at'], now)}, {row['found']} found"
        if row["unconfirmed"]:
            text += f", {row['unconfirmed']} to be asked about"
        return Text(f"{name}: discovers jobs: {text}")
    text = _DISCOVERY_TEXTS.get(row["state"], row["state"])
    error = f": {printable(row['last_error'])}" if row["last_error"] else ""
    style = "yellow" if row["state"] == "starting" else "red"
    return Text(f"{name}: discovers jobs: {text}{error}", style)


def _archive(name: str, row: Mapping[str, Any], totals: Mapping[str, Any] | None) -> Text:
    """Return one line about the copies of a gateway's videos."""
    text = f"{name}: archives videos: {row['waiting']} to be copied"
    for each in row["downloading"]:
        share = "" if not each["total"] else f" of {megabytes(each['total'])}"
        text += f", {printable(each['video_id'])} {megabytes(each['bytes'])}{share}"
    if totals is not None:
        held, most = megabytes(totals["bytes"]), megabytes(totals["max_total_bytes"])
        text += f"; {held} of {most} in use"
    if row["last_error"] and row["waiting"]:
        return Text(f"{text}; last error: {printable(row['last_error'])}", "red")
    return Text(text)


def megabytes(size: int) -> str:
    """Return a number of bytes in megabytes, for people."""
    return f"{size / 1e6:,.1f} MB"


def _endpoint(row: Row) -> Sequence[RenderableType]:
    return (
        str(row["name"]),
        str(row["to"]),
        ", ".join(f"{row[state]} {state}" for state in STATES if row[state]),
        _health(row),
    )


def _health(row: Row) -> Text:
    if row["disabled"]:
        return Text(f"disabled: {printable(str(row['disabled']))}", "red")
    return Text("failing", "red") if row.get("failing") else Text("ok", "green")


def _video(view: WatchView, now: float) -> Sequence[RenderableType]:
    snapshot, left = view.watch.snapshot, eta(view, now)
    progress = (snapshot.progress if snapshot is not None else None) or 0
    return (
        view.watch.key.video_id,
        view.watch.key.gateway,
        _video_status(view),
        ProgressBar(total=100, completed=progress, width=_BAR),
        f"{progress:3} %",
        "" if left is None else f"~{timedelta(seconds=left)}",
        "" if view.last_poll is None else _ago(view.last_poll.at, now),
    )


def _video_status(view: WatchView) -> str:
    """Return the status of a video; of one that was never seen, what came of asking."""
    snapshot, poll = view.watch.snapshot, view.last_poll
    if snapshot is not None:
        return snapshot.status or snapshot.word
    return "not asked yet" if poll is None else f"not seen yet: {poll.outcome}"
