"""`notifier endpoints`: who gets events, and how that is going."""

import secrets
import time
from pathlib import Path
from urllib.parse import urlsplit

import click
import trio
from rich.table import Table

from notifier.app import wiring
from notifier.cli.common import (
    config_option,
    json_option,
    load_config,
    load_with_secrets,
    print_json,
    print_table,
)
from notifier.config import Config, EndpointSettings
from notifier.errors import NotifierError
from notifier.exchange import open_exchange
from notifier.formats import RENDERERS
from notifier.model.delivery import Format
from notifier.model.event import Event, EventType
from notifier.outbound import AddressPolicy
from notifier.store import Database, daemon_is_running, open_reader
from notifier.store.endpoints import enable
from notifier.webhook import Outcome


@click.group("endpoints")
def endpoints_group() -> None:
    """See, test and enable the endpoints that events are delivered to."""


@endpoints_group.command("list")
@config_option
@json_option
def list_command(config_path: Path | None, *, as_json: bool) -> int:
    """List endpoints and how their deliveries stand."""
    config = load_config(config_path)
    rows = _rows(config)
    if as_json:
        print_json(rows)
        return 0
    table = Table("Endpoint", "Format", "To", "Events", "Deliveries", "State", box=None)
    for endpoint, row in zip(config.endpoints.values(), rows, strict=True):
        table.add_row(
            endpoint.name,
            endpoint.format,
            str(row["to"]),
            " ".join(endpoint.events),
            ", ".join(f"{row[state]} {state}" for state in _STATES if row[state]),
            f"disabled: {row['disabled']}" if row["disabled"] else "enabled",
        )
    print_table(table)
    return 0


_STATES = ("pending", "delivered", "dead", "cancelled")


def _rows(config: Config) -> list[dict[str, object]]:
    """Return one row per endpoint; the keys are the `--json` contract."""
    rows: list[dict[str, object]] = []
    with open_reader(config.store_path) as reader:
        for endpoint in config.endpoints.values():
            view = reader.endpoint(endpoint.name) if reader is not None else None
            counts = view.deliveries if view is not None else {}
            rows.append(
                {
                    "name": endpoint.name,
                    "format": endpoint.format.value,
                    "to": _where(endpoint),
                    "events": list(endpoint.events),
                    "disabled": view.disabled if view is not None else None,
                    **{state: counts.get(state, 0) for state in _STATES},
                }
            )
    return rows


def _where(endpoint: EndpointSettings) -> str:
    """Return where an endpoint sends, without what may be secret: a URL's path and query."""
    if not endpoint.url.is_literal:
        return endpoint.url.source
    parts = urlsplit(endpoint.url.reveal())
    host = f"{parts.scheme}://{parts.netloc}"
    return f"{host}/…" if endpoint.format is Format.SLACK else f"{host}{parts.path}"


@endpoints_group.command("test")
@config_option
@click.argument("name")
def test_command(config_path: Path | None, name: str) -> int:
    """Send a notifier.test event to an endpoint, once, and say what came back."""
    config = load_with_secrets(config_path, "endpoints", name)
    endpoint = _endpoint(config, name)
    event = Event(
        id=f"evt_{secrets.token_hex(16)}",
        type=EventType.TEST,
        created_at=int(time.time()),
        data={"id": "video_test", "object": "video"},
        gateway="",
        metadata={},
    )
    body = RENDERERS[endpoint.format](event)
    outcome = trio.run(_send, config.outbound, endpoint, event.id, body)
    if outcome.delivered:
        click.echo(f"{name} took it: HTTP {outcome.status} ({event.id})")
        return 0
    detail = f" ({outcome.detail})" if outcome.detail else ""
    raise NotifierError(f"{name} did not take it: {outcome.word}{detail}")


async def _send(
    policy: AddressPolicy, endpoint: EndpointSettings, event_id: str, body: bytes
) -> Outcome:
    async with open_exchange(1, wiring.endpoint_route(endpoint, policy)) as exchange:
        return await wiring.sender(endpoint, exchange, time.time).send(event_id, body)


@endpoints_group.command("enable")
@config_option
@click.argument("name")
def enable_command(config_path: Path | None, name: str) -> int:
    """Switch a disabled endpoint on again; its held deliveries go out at the next start."""
    config = load_config(config_path)
    _endpoint(config, name)
    with open_reader(config.store_path) as reader:
        if reader is None:
            raise NotifierError(f"{name} is not disabled")
    if daemon_is_running(config.store_path):
        raise NotifierError("only the running daemon may change its state: stop it first")
    database = Database.open(config.store_path, config.path)
    try:
        enabled = database.transact(enable, name, time.time())
    finally:
        database.close()
    if not enabled:
        raise NotifierError(f"{name} is not disabled")
    click.echo(f"{name} is enabled")
    return 0


def _endpoint(config: Config, name: str) -> EndpointSettings:
    if name not in config.endpoints:
        names = ", ".join(config.endpoints) or "none"
        raise NotifierError(f"there is no endpoint {name!r}; configured: {names}")
    return config.endpoints[name]
