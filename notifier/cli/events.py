"""`notifier events` and `notifier replay`: lists events and sends them again."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import click
from rich.console import Console
from rich.progress import Progress

from notifier.app.redaction import STATES
from notifier.cli.completion import complete_endpoint
from notifier.cli.config_loading import load_project
from notifier.cli.daemon_client import ask_daemon
from notifier.cli.events_tail import tail_command
from notifier.cli.groups import SuggestingGroup
from notifier.cli.options import config_option, examples, json_option
from notifier.cli.output import print_json
from notifier.cli.param_types import MOMENT, ParsedType, WholeNumberType, WordType
from notifier.cli.tables import TableColumn, print_table
from notifier.config import Config
from notifier.config.bad_value import quoted, unknown_name
from notifier.config.validators import check_event_pattern
from notifier.errors import NotifierError
from notifier.model.views import EventView
from notifier.store.access import reader_of
from notifier.store.queries import EventFilter
from notifier.texts.cleaning import printable
from notifier.texts.shown_json import shown_json

_COLUMNS = (
    TableColumn("When", drop=4),
    TableColumn("Event"),
    TableColumn("Type", drop=1),
    TableColumn("About", drop=2),
    TableColumn("Deliveries", drop=3),
)


@examples("notifier events list --since 2h", "notifier events tail")
@click.group("events", cls=SuggestingGroup)
def events_group() -> None:
    """List events, look into one, follow new ones, send one again."""


@examples(
    "notifier events list --since 2h", "notifier events list --type 'video.*' --state dead --json"
)
@events_group.command("list")
@config_option
@json_option
@click.option(
    "--type", "type_", type=ParsedType("pattern", check_event_pattern), metavar="PATTERN",
    help="Such as video.failed or 'endpoint.*'.",
)  # fmt: skip
@click.option(
    "--endpoint", shell_complete=complete_endpoint, help="Only events for this endpoint."
)
@click.option("--state", type=WordType(STATES), help="Only those with a delivery in it.")
@click.option("--since", type=MOMENT, help="Such as 2h, or 2026-01-31T12:00Z.")
@click.option("--until", type=MOMENT, help="The same.")
@click.option("--limit", type=WholeNumberType(1, 1000), default=50, show_default=True)
def list_command(  # noqa: PLR0913 - one parameter per option
    config_path: Path | None,
    *,
    as_json: bool,
    type_: str | None,
    endpoint: str | None,
    state: str | None,
    since: float | None,
    until: float | None,
    limit: int,
) -> int:
    """List events, the latest first."""
    config = load_project(config_path)
    wanted = EventFilter(
        type=type_, endpoint=endpoint, state=state, since=since, until=until, limit=limit
    )
    with reader_of(config.store) as reader:
        rows = [] if reader is None else [each.as_row() for each in reader.events(wanted)]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(_COLUMNS, [_cells(row) for row in rows])
    elif endpoint is not None and endpoint.removesuffix("@callback") not in config.endpoints:
        raise NotifierError(unknown_name("endpoint", endpoint, config.endpoints))
    else:
        click.echo("no such events")
    return 0


def _cells(row: Mapping[str, Any]) -> Sequence[str]:
    return (
        _when(row["created_at"]),
        row["id"],
        row["type"],
        row["video_id"] or row["endpoint"] or "",
        ", ".join(f"{count} {state}" for state, count in sorted(row["deliveries"].items())),
    )


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M:%S")


@examples("notifier events show evt_123")
@events_group.command("show")
@config_option
@json_option
@click.argument("event_id", metavar="ID")
def show_command(config_path: Path | None, *, as_json: bool, event_id: str) -> int:
    """Show one event, with every delivery and attempt."""
    config = load_project(config_path)
    with reader_of(config.store) as reader:
        view = None if reader is None else reader.event(event_id)
    if view is None:
        shown = f" {quoted(event_id)}" if quoted(event_id) else ""
        raise NotifierError(f"there is no event{shown}; see: notifier events list")
    if as_json:
        print_json([view.as_row()])
    else:
        _show(view)
    return 0


def _show(view: EventView) -> None:
    event = view.summary
    about = f"{event.gateway}/{event.video_id}" if event.about is None else event.about
    click.echo(f"{event.id}  {event.type}  {printable(about)}  {_when(event.created_at)}")
    for delivery in view.deliveries:
        row = delivery.as_row()
        reason = f": {printable(delivery.reason)}" if delivery.reason else ""
        click.echo(f"\n{delivery.endpoint}  {row['state']}{reason}")
        if row["next_attempt_at"] is not None:
            click.echo(f"  next attempt {_when(delivery.due_at)}")
        for attempt in delivery.attempts:
            took = "" if attempt.duration_ms is None else f"{attempt.duration_ms} ms"
            outcome = attempt.outcome or "under way"
            detail = f"  {printable(attempt.detail)}" if attempt.detail else ""
            said = f"{_when(attempt.started_at)}  {outcome}  {took}{detail}"
            click.echo(f"  {attempt.number:>3}  {said}")
    click.echo(f"\n{shown_json(view.body, indent=2)}")


@examples("notifier events resend evt_123", "notifier events resend evt_123 --endpoint app")
@events_group.command("resend")
@config_option
@json_option
@click.argument("event_id", metavar="ID")
@click.option(
    "--endpoint", "endpoints", multiple=True, shell_complete=complete_endpoint,
    help="Only to this one; repeatable.",
)  # fmt: skip
def resend_command(
    config_path: Path | None, *, as_json: bool, event_id: str, endpoints: Sequence[str]
) -> int:
    """Send an event again, under the same id. The running daemon does it."""
    config = load_project(config_path)
    body = {"endpoints": list(endpoints)} if endpoints else {}
    names = ask_daemon(config, "POST", f"/v1/events/{event_id}/resend", body)["endpoints"]
    if not names:
        raise NotifierError(f"{event_id} was for no endpoint that is configured; see --endpoint")
    if as_json:
        print_json([{"event_id": event_id, "endpoint": name} for name in names])
        return 0
    click.echo(f"{event_id} is being sent to {', '.join(names)} again")
    return 0


events_group.add_command(tail_command)


@examples(
    "notifier replay --since 2h", "notifier replay --since 2026-01-31T12:00Z --endpoint app --all"
)
@click.command("replay")
@config_option
@json_option
@click.option("--since", type=MOMENT, required=True, help="Such as 2h, or 2026-01-31T12:00Z.")
@click.option("--until", type=MOMENT, help="The same  [default: now]")
@click.option(
    "--endpoint", shell_complete=complete_endpoint, help="Only to this endpoint  [default: all]"
)
@click.option("--all", "everything", is_flag=True, help="Also what was delivered already.")
def replay_command(
    config_path: Path | None,
    *,
    as_json: bool,
    since: float,
    until: float | None,
    endpoint: str | None,
    everything: bool,
) -> int:
    """Send the events of a time again.

    They are those that an endpoint has not taken.
    """
    config = load_project(config_path)
    body: dict[str, object] = {"since": since, "only": "all" if everything else "undelivered"}
    if until is not None:
        body["until"] = until
    if endpoint is not None:
        body["endpoint"] = endpoint
    counts = _replay(config, body, until=time.time() if until is None else until)
    if as_json:
        print_json([{"endpoint": name, "events": count} for name, count in counts.items()])
        return 0
    for name, count in counts.items():
        click.echo(f"{name}: {count} event{'' if count == 1 else 's'}")
    return 0


def _replay(config: Config, body: Mapping[str, object], until: float) -> Counter[str]:
    """Have the daemon send again batch by batch; Ctrl-C leaves it at the batches that are done."""
    since = cast("float", body["since"])
    counts = Counter[str]()
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("Sending again", total=max(until - since, 1.0))
        asked = {**body, "one_batch": True}
        while True:
            done = ask_daemon(config, "POST", "/v1/replay", asked)
            counts.update(done["deliveries"])
            if done["next"] is None:
                return counts
            progress.update(task, completed=done["next"][0] - since)
            asked["after"] = done["next"]
