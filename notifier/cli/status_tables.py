"""The tables of `notifier status`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.text import Text

from notifier.app.redaction import STATES
from notifier.cli.instances import INSTANCES, instance_cells
from notifier.cli.status_report import StatusReport, eta
from notifier.cli.tables import TableColumn, make_table
from notifier.model.views import Row, WatchView
from notifier.texts.cleaning import printable

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
_INSTANCE = TableColumn("Instance", drop=4)
_VIDEOS = (
    TableColumn("Video"),
    TableColumn("Gateway", drop=4),
    TableColumn("Status", drop=1, shortest=_SHORTEST_STATUS),
    TableColumn("Progress", drop=5),
    TableColumn("", drop=2),
    TableColumn("Left", drop=3),
    TableColumn("Asked", drop=6),
)


def status_parts(report: StatusReport, width: int | None) -> Iterator[RenderableType]:
    """Yield a headline and the tables, with what fits into `width` (None: all of it)."""
    yield _headline(report)
    if report.daemon is not None:
        yield Text()
        yield from _gateway_parts(report.daemon, report.now, width)
    if report.instances:
        yield Text()
        yield make_table(INSTANCES, [instance_cells(row) for row in report.instances], width)
    if report.endpoints:
        yield Text()
        yield _endpoint_table(report, width)
    if report.videos:
        yield Text()
        yield make_table(_VIDEOS, [_video(view, report.now) for view in report.videos], width)
        hidden = report.open_watches - len(report.videos)
        if hidden > 0:
            yield Text(f"and {hidden} more; all of them: notifier watch list", style="dim")


def _headline(report: StatusReport) -> Text:
    watching = f"{report.open_watches} open watch{'' if report.open_watches == 1 else 'es'}"
    daemon = report.daemon
    if daemon is None:
        here = " on this machine" if report.instances else ""
        return Text(f"no daemon is running{here}; {watching}", style="yellow")
    up = timedelta(seconds=daemon["uptime_seconds"])
    return Text(f"notifier {daemon['version']}, pid {daemon['pid']}, up {up}; {watching}")


def _gateway_parts(
    daemon: Mapping[str, Any], now: float, width: int | None
) -> Iterator[RenderableType]:
    yield make_table(_GATEWAYS, [_gateway(row, now) for row in daemon["gateways"]], width)
    for row in daemon["gateways"]:
        if row.get("archive"):
            yield _archive(row["name"], row["archive"], daemon.get("archive"))
        if _state(row) in {"paused", "failing"} and row.get("last_error"):
            error = f"{row['name']}: {row['last_error']}"
            yield Text(f"{printable(error)} ({_ago(row['last_error_at'], now)})", "red")
        if row.get("discovery"):
            yield _discovery(row["name"], row["discovery"], now)


def _endpoint_table(report: StatusReport, width: int | None) -> RenderableType:
    """Return the table of endpoints, with who delivers where several could."""
    cells = [_endpoint(row) for row in report.endpoints]
    if not report.instances:
        return make_table(_ENDPOINTS, cells, width)
    owners = [str(row.get("instance") or "nobody") for row in report.endpoints]
    rows = [(*each, owner) for each, owner in zip(cells, owners, strict=True)]
    return make_table((*_ENDPOINTS, _INSTANCE), rows, width)


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
        _budget(row),
        _answered(row, now),
        state,
    )


def _answered(row: Mapping[str, Any], now: float) -> str:
    """Return when a gateway answered last; empty where it may have answered another instance."""
    moment = row.get("last_answer_at")
    is_shared = row.get("granted_requests_per_second") is not None
    return "" if moment is None and is_shared else _ago(moment, now)


def _budget(row: Mapping[str, Any]) -> str:
    """Return a gateway's requests a second: of this instance's share, where it has one."""
    granted, budget = row.get("granted_requests_per_second"), row["max_requests_per_second"]
    return f"{budget:g}" if granted is None else f"{granted:.3g} of {budget:g}"


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
        _bar(progress),
        f"{progress:3} %",
        "" if left is None else f"~{timedelta(seconds=left)}",
        "" if view.last_poll is None else _ago(view.last_poll.at, now),
    )


@cache
def _bar(progress: int) -> ProgressBar:
    """Return the bar for a progress; equal ones are one, which is drawn once off a terminal."""
    return ProgressBar(total=100, completed=progress, width=_BAR)


def _video_status(view: WatchView) -> str:
    """Return the status of a video; of one that was never seen, what came of asking."""
    snapshot, poll = view.watch.snapshot, view.last_poll
    if snapshot is not None:
        return snapshot.status or snapshot.word
    return "not asked yet" if poll is None else f"not seen yet: {poll.outcome}"
