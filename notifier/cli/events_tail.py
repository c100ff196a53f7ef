"""`notifier events tail`: prints new events and the outcomes of their deliveries as they happen.

It reads what the daemon commits and needs no connection to it, so it goes on over a restart. A
store that cannot be read for a moment, or is not there yet, is looked at again.
"""

import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from notifier.app import wiring
from notifier.cli.config_loading import load_project
from notifier.cli.options import config_option, examples
from notifier.config import Config
from notifier.config.paths import StorePlace
from notifier.errors import StoreError
from notifier.model.views import AttemptView, EventSummary, OutcomeView
from notifier.store.access import reader_of
from notifier.store.tailing import TailNews, TailPosition
from notifier.texts.cleaning import printable
from notifier.texts.shown_json import shown_json

_LOOK_EVERY = 0.25
_COLORS = {"delivered": "green", "dead": "red", "cancelled": "red", "held": "yellow"}


@examples("notifier events tail", "notifier events tail --json")
@click.command("tail")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def tail_command(config_path: Path | None, *, as_json: bool) -> None:
    """Print new events and how their deliveries go.

    They are printed as they happen, until Ctrl-C. Goes on over a restart of the daemon.
    """
    config = load_project(config_path)
    # a pipeline that ends sends SIGTERM; nothing here has a state to be lost
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    show = _as_json if as_json else _as_text
    try:
        for news in _follow(config):
            for line in show(news):
                click.echo(line)
    except KeyboardInterrupt:
        return


def _follow(config: Config) -> Iterator[TailNews]:
    """Yield what is new, for ever; raises StoreError when the first look fails."""
    store = config.store
    position = _start(store)
    click.echo(f"following the events in {wiring.store_shown(config)}; Ctrl-C ends", err=True)
    trouble = ""
    while True:
        time.sleep(_LOOK_EVERY)
        try:
            news = _look(store, position)
        except StoreError as error:
            if str(error) != trouble:
                click.echo(f"notifier: {error}; trying again", err=True)
            trouble = str(error)
            continue
        if news is not None:
            position, trouble = news.position, ""
            yield news


def _start(store: StorePlace) -> TailPosition:
    """Return the end of the store; where there is none yet, everything will be new."""
    with reader_of(store) as reader:
        return TailPosition() if reader is None else reader.tail_end(time.time())


def _look(store: StorePlace, position: TailPosition) -> TailNews | None:
    with reader_of(store) as reader:
        return None if reader is None else reader.tail_news(position, time.time())


def _as_json(news: TailNews) -> Iterator[str]:
    for event in news.events:
        yield shown_json({"kind": "event", **event.as_row()})
    for outcome in news.outcomes:
        yield shown_json({"kind": "delivery", **outcome.as_row()})


def _as_text(news: TailNews) -> Iterator[str]:
    for event in news.events:
        yield _event_line(event)
    for outcome in news.outcomes:
        yield _outcome_line(outcome)


def _event_line(event: EventSummary) -> str:
    about = event.about or f"{event.gateway}/{event.video_id}"
    counts = ", ".join(f"{count} {state}" for state, count in sorted(event.deliveries.items()))
    parts = [
        _time(event.created_at),
        click.style(event.type, bold=True),
        printable(about),
        click.style(event.id, dim=True),
        counts or "for no endpoint",
    ]
    return "  ".join(parts)


def _outcome_line(outcome: OutcomeView) -> str:
    attempt = outcome.attempt
    at = time.time() if attempt is None else attempt.started_at
    subject = outcome.about or outcome.video_id or ""
    parts = [
        _time(at),
        f"→ {outcome.endpoint}",
        _state(outcome),
        "" if attempt is None else _attempt(attempt),
        f"next attempt {_time(outcome.next_attempt_at)}" if outcome.next_attempt_at else "",
        printable(subject),
        click.style(outcome.event_id, dim=True),
    ]
    return "  ".join(part for part in parts if part)


def _state(outcome: OutcomeView) -> str:
    """Return the delivery's state and its reason; the attempt speaks for one that is pending."""
    if outcome.state == "pending":
        return ""
    reason = f": {printable(outcome.reason)}" if outcome.reason else ""
    return click.style(f"{outcome.state}{reason}", fg=_COLORS.get(outcome.state))


def _attempt(attempt: AttemptView) -> str:
    took = "" if attempt.duration_ms is None else f" in {attempt.duration_ms} ms"
    detail = f" ({printable(attempt.detail)})" if attempt.detail else ""
    answer = f"HTTP {attempt.status}" if attempt.outcome == "delivered" else attempt.outcome
    return f"attempt {attempt.number}: {answer}{took}{detail}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S")
