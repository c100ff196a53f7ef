"""`notifier endpoints`: lists, tests and enables the receivers of events."""

import time
from contextlib import suppress
from pathlib import Path

import click
import trio

from notifier.app import wiring
from notifier.app.redaction import STATES, endpoint_rows, named_endpoint
from notifier.app.sample_events import sample_event, sample_type
from notifier.cli.completion import complete_endpoint
from notifier.cli.config_loading import load_project, load_with_secrets
from notifier.cli.daemon_client import DaemonUnreachableError, ask_daemon
from notifier.cli.groups import SuggestingGroup
from notifier.cli.options import config_option, examples, json_option
from notifier.cli.output import print_json
from notifier.cli.param_types import ParsedType
from notifier.cli.tables import TableColumn, print_table
from notifier.config import Config, EndpointSettings
from notifier.config.bad_value import BadValueError, explained
from notifier.errors import ConfigError, NotifierError
from notifier.http_client import open_client
from notifier.model.event import EventType
from notifier.model.views import Row
from notifier.net import AddressPolicy
from notifier.store import daemon_is_running
from notifier.store.access import engine_of, reader_of
from notifier.store.endpoints import enable
from notifier.webhook import Outcome

_COLUMNS = (
    TableColumn("Endpoint"),
    TableColumn("Format", drop=5),
    TableColumn("To", drop=3),
    TableColumn("Events", drop=4),
    TableColumn("Deliveries", drop=2),
    TableColumn("State", drop=1),
)

_REFUSED = "; does the receiver verify with the secret of this endpoint, and ask for no other key?"
_HINTS = {
    "http_401": _REFUSED,
    "http_403": _REFUSED,
    "http_400": "; does the receiver verify the raw body, with the secret of this endpoint?",
    "http_404": "; is the path of this endpoint's url right?",
    "http_405": "; the receiver must accept POST at this endpoint's url",
    "http_410": "; the receiver says that it is gone for good: set another url",
    "connect": "; does the receiver listen at this endpoint's url?",
    "dns": "; is the host of this endpoint's url right?",
    "tls": "; ca_file names the certificates of a private authority",
    "timeout": "; the receiver must answer before it works on the event",
}


@examples("notifier endpoints list", "notifier endpoints test app")
@click.group("endpoints", cls=SuggestingGroup)
def endpoints_group() -> None:
    """List, test and enable the receivers of events."""


@examples("notifier endpoints list", "notifier endpoints list --json")
@endpoints_group.command("list")
@config_option
@json_option
def list_command(config_path: Path | None, *, as_json: bool) -> int:
    """List endpoints and how their deliveries stand."""
    config = load_project(config_path)
    rows = _rows(config)
    if as_json:
        print_json(rows)
        return 0
    cells = [
        (
            endpoint.name,
            endpoint.format,
            str(row["to"]),
            " ".join(endpoint.events),
            ", ".join(f"{row[state]} {state}" for state in STATES if row[state]),
            f"disabled: {row['disabled']}" if row["disabled"] else "enabled",
        )
        for endpoint, row in zip(config.endpoints.values(), rows, strict=True)
    ]
    print_table(_COLUMNS, cells)
    return 0


def _rows(config: Config) -> list[Row]:
    """Return one row per endpoint."""
    with reader_of(config.store) as reader:
        endpoint_views = {} if reader is None else reader.endpoint_views()
        lanes = {} if reader is None else reader.cluster().lanes
    return endpoint_rows(config, endpoint_views, lanes)


def _sample_type(written: str) -> EventType:
    try:
        return sample_type(written)
    except BadValueError as error:
        raise ValueError(explained(error, written)) from None


def _known_types(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return [each for each in EventType if each.startswith(incomplete)]


@examples("notifier endpoints test app", "notifier endpoints test app --type video.completed")
@endpoints_group.command("test")
@config_option
@click.argument("name", shell_complete=complete_endpoint)
@click.option(
    "--type", "event_type", type=ParsedType("type", _sample_type), default=EventType.TEST,
    metavar="TYPE", help="A sample of which event, such as video.completed  "
    "[default: notifier.test]", shell_complete=_known_types,
)  # fmt: skip
def test_command(config_path: Path | None, name: str, event_type: EventType) -> int:
    """Send one sample of an event to an endpoint.

    What the receiver answered is printed.

    The sample is realistic and signed as any event. It has "test": true, and its data.id is
    video_notifier_test. Where the endpoint's secrets are for the daemon alone, the running
    daemon sends it.
    """
    event_id, outcome = _test(load_project(config_path), name, event_type)
    if outcome.delivered:
        click.echo(f"{name} took it: HTTP {outcome.status} ({event_id})")
        return 0
    detail = f" ({outcome.detail})" if outcome.detail else ""
    hint = _HINTS.get(outcome.word, "")
    raise NotifierError(f"{name} did not take it: {outcome.word}{detail}{hint}")


def _test(config: Config, name: str, event_type: EventType) -> tuple[str, Outcome]:
    endpoint = named_endpoint(config, name)
    try:
        load_with_secrets(config.path, "endpoints", name)
    except ConfigError:
        with suppress(DaemonUnreachableError):
            answer = ask_daemon(
                config, "POST", f"/v1/endpoints/{name}/test", {"type": event_type.value}
            )
            return answer["event_id"], Outcome(
                answer["outcome"], answer["status"], detail=answer["detail"]
            )
        raise
    event = sample_event(wiring.rendering(endpoint), event_type, time.time(), config.gateways)
    return event.id, trio.run(_send, config.outbound, endpoint, event.id, event.body)


async def _send(
    policy: AddressPolicy, endpoint: EndpointSettings, event_id: str, body: bytes
) -> Outcome:
    async with open_client(1, wiring.endpoint_route(endpoint, policy)) as http:
        return await wiring.sender(endpoint, http, time.time).send(event_id, body)


@examples("notifier endpoints enable app")
@endpoints_group.command("enable")
@config_option
@click.argument("name", shell_complete=complete_endpoint)
def enable_command(config_path: Path | None, name: str) -> int:
    """Switch a disabled endpoint on again.

    What was held for it is delivered.
    """
    config = load_project(config_path)
    named_endpoint(config, name)
    if not _enable(config, name):
        raise NotifierError(f"{name} is not disabled")
    click.echo(f"{name} is enabled")
    return 0


def _enable(config: Config, name: str) -> bool:
    """Enable an endpoint through the daemon; without one, in the store itself.

    Only one process writes to a store, so a running daemon must do it.
    """
    if daemon_is_running(config.store_path):
        answer = ask_daemon(config, "POST", f"/v1/endpoints/{name}/enable")
        return bool(answer["enabled"])
    with reader_of(config.store) as reader:
        if reader is None:
            return False
    database = engine_of(config.store, config.path, reveal=wiring.reveal_store_url)
    try:
        return database.transact(enable, name, time.time())
    finally:
        database.close()
