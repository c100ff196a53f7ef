"""What the demo shows: a bar per job, a line per event, the Slack message at the end."""

import json
import re
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from notifier.demo.setup import CAST
from notifier.model.video import Json
from notifier.model.views import WatchView

_COLOURS = {
    "video.completed": "green",
    "video.failed": "red",
    "video.cancelled": "yellow",
    "video.lost": "magenta",
    "video.timed_out": "magenta",
}


_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(?:https?:[^|>]*)\|([^>]*)>")


class Screen:
    """Shows the demo; a context manager around the time while it runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description:<22}"),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[status]:<12}"),
            TimeElapsedColumn(),
            console=console,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        for role in CAST:
            self._bars[role.name] = self._progress.add_task(role.name, total=100, status="")
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print a line above the bars; `text` is rich markup."""
        self._progress.console.print(text, highlight=False)

    def show(self, view: WatchView) -> None:
        """Move the bar of one watch to what the daemon knows."""
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
        """Tell of one event that a receiver got."""
        colour = _COLOURS.get(type_, "white")
        self.say(f"  [{colour}]{type_:<16}[/] {video_id:<20} → {endpoint:<6} {note}")

    def slack(self, payload: bytes) -> None:
        """Show a Slack message about as Slack would."""
        lines = list(_slack_lines(json.loads(payload)))
        self._console.print(Panel("\n".join(lines), title="in Slack", width=72))


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
