"""The demo's output: a bar per job, a line per event, the Slack message at the end."""

import json
import re
from collections.abc import Iterator
from typing import Self

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape, render
from rich.panel import Panel
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column

from notifier.demo.setup import JOBS
from notifier.model.video import Json
from notifier.model.views import WatchView

_COLOURS = {
    "video.completed": "green",
    "video.failed": "red",
    "video.cancelled": "yellow",
    "video.lost": "magenta",
    "video.timed_out": "magenta",
}


_PANEL = 72  # columns
_WIDE = 80

_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(?:https?:[^|>]*)\|([^>]*)>")


class Screen:
    """Shows the demo; a context manager around the time while it runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            *_columns(console.width), console=console, disable=not console.is_terminal
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        for job in JOBS:
            self._bars[job.name] = self._progress.add_task(job.name, total=100, status="")
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, view: WatchView) -> None:
        """Move the bar of one watch to its last observed progress."""
        bar = self._bars[view.watch.key.video_id]
        if self._progress.tasks[bar].stop_time is not None:
            return
        snapshot = view.watch.snapshot
        if view.event_type is not None:
            if view.event_type == "video.completed":
                self._progress.update(bar, completed=100)
            self._progress.update(bar, status=view.event_type.partition(".")[2])
            self._progress.stop_task(bar)
        elif snapshot is not None:
            status = snapshot.status or snapshot.word
            self._progress.update(bar, completed=snapshot.progress or 0, status=status)

    def event(self, endpoint: str, type_: str, video_id: str, note: str) -> None:
        """Print a line above the bars about one event that a receiver got."""
        colour = _COLOURS.get(type_, "white")
        parts = f"  [{colour}]{type_:<16}[/]", f"{video_id:<20}", f"→ {endpoint:<6}"
        print_line(self._progress.console, *parts, note)

    def slack(self, payload: bytes) -> None:
        """Show a Slack message about as Slack would."""
        lines = list(_slack_lines(json.loads(payload)))
        if self._console.is_terminal and self._console.width >= _PANEL:
            self._console.print(Panel("\n".join(lines), title="in Slack", width=_PANEL))
            return
        for line in ("in Slack:", *lines):
            print_line(self._console, line)


def print_line(console: Console, *parts: str) -> None:
    """Print `parts`, which are rich markup, in one line.

    On a terminal that is too narrow they stand in several; none of them is ever split.
    """
    lines: list[list[str]] = [[]]
    for part in parts:
        line = " ".join([*lines[-1], part])
        if lines[-1] and console.is_terminal and cell_len(render(line).plain) > console.width:
            lines.append(["   "])
        lines[-1].append(part)
    for line_parts in lines:
        console.print(" ".join(line_parts), highlight=False, soft_wrap=True)


def _columns(width: int) -> Iterator[ProgressColumn]:
    """Return what stands beside a job on a terminal of `width` columns."""
    yield TextColumn("{task.description:<22}", table_column=Column(no_wrap=True))
    if width >= _WIDE:
        yield BarColumn(bar_width=30)
    yield TextColumn("{task.percentage:>3.0f} %", table_column=Column(no_wrap=True))
    yield TextColumn("{task.fields[status]:<12}", table_column=Column(no_wrap=True))
    if width >= _WIDE:
        yield TimeElapsedColumn()


def _slack_lines(message: Json) -> list[str]:
    lines = []
    for block in message["blocks"]:
        match block["type"]:
            case "header":
                lines.append(f"[bold]{escape(block['text']['text'])}[/]")
            case "context":
                lines += [f"[dim]{_plain(element)}[/]" for element in block["elements"]]
            case "section":
                texts = [block.get("text"), *block.get("fields", [])]
                lines += [_plain(text) for text in texts if text]
    return lines


def _plain(text: Json) -> str:
    """Return mrkdwn as text for a terminal."""
    plain = text["text"].replace("*", "").replace("`", "").replace("\n", ": ")
    plain = _LINK.sub(r"\1", _DATE.sub(r"\1", plain))
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        plain = plain.replace(entity, character)
    return escape(plain)
