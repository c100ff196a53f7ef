"""`notifier probe`: one request to a gateway, and an explanation of its answer."""

import time
from pathlib import Path

import click
import trio

from notifier import log
from notifier.app import wiring
from notifier.cli.completion import complete_gateway, complete_open_id
from notifier.cli.config_loading import checked_watch, load_with_secrets
from notifier.cli.options import config_option, examples
from notifier.config import Config, GatewaySettings
from notifier.config.bad_value import unknown_name
from notifier.errors import NotifierError, TransportError
from notifier.gateway import GatewayClient
from notifier.gateway.urls import video_url, without_credentials
from notifier.http_client import HttpResponse, open_client
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.video import Snapshot
from notifier.texts.cleaning import one_line
from notifier.texts.locations import shown_location

_EXCERPT = 400
_HEADERS = ("content-type", "retry-after", "openai-poll-after-ms")


@examples("notifier probe main video_123")
@click.command("probe")
@config_option
@click.argument("gateway", shell_complete=complete_gateway)
@click.argument("video_id", shell_complete=complete_open_id)
def probe_command(config_path: Path | None, gateway: str, video_id: str) -> int:
    """Ask GATEWAY about VIDEO_ID once and explain the answer. Exit code 0 if it is a video."""
    config = load_with_secrets(config_path, "gateways", gateway)
    settings = _gateway(config, gateway)
    checked_watch({"gateway": gateway, "video_id": video_id}, config)
    click.echo(f"GET {without_credentials(video_url(settings.base_url, video_id))}")
    return trio.run(_probe, settings, video_id)


def _gateway(config: Config, name: str) -> GatewaySettings:
    if name not in config.gateways:
        raise NotifierError(unknown_name("gateway", name, config.gateways))
    return config.gateways[name]


async def _probe(settings: GatewaySettings, video_id: str) -> int:
    async with open_client(1, wiring.gateway_route(settings)) as http:
        client = wiring.gateway_client(settings, http, time.time)
        began = time.monotonic()
        try:
            reply = await client.fetch(video_id)
        except TransportError as error:
            click.echo(f"no answer: {error.kind} ({error.detail})")
            click.echo("notifier would try again, with growing waits")
            return 1
        _show_reply(reply, time.monotonic() - began)
        return _explain(client, reply, settings, video_id)


def _show_reply(reply: HttpResponse, seconds: float) -> None:
    click.echo(f"HTTP {reply.status}, {len(reply.body)} bytes in {seconds:.2f} s")
    for name in _HEADERS:
        if name in reply.headers:
            click.echo(f"  {name}: {_printable(reply.headers[name])}")
    if "location" in reply.headers:
        click.echo(f"  location: {_printable(shown_location(reply.headers['location']))}")
    excerpt = reply.body[:_EXCERPT].decode("utf-8", "replace")
    click.echo(f"  {_printable(excerpt)}{'…' if len(reply.body) > _EXCERPT else ''}")


def _printable(text: str) -> str:
    """Return `text` as one line without control characters and without our secrets."""
    return log.redactor.clean(one_line(text))


def _explain(
    client: GatewayClient, reply: HttpResponse, settings: GatewaySettings, video_id: str
) -> int:
    answer = client.read(video_id, reply)
    click.echo(f"\nUnderstood: {_meaning(answer)}")
    if isinstance(answer, Seen):
        for line in _fields(answer.snapshot):
            click.echo(f"  {line}")
    if answer.wait is not None:
        click.echo(f"  the gateway asks to be left alone for {answer.wait:g} s")
    click.echo(f"notifier would {_consequence(answer, settings)}")
    return 0 if isinstance(answer, Seen) else 1


def _meaning(answer: Answer) -> str:
    match answer:
        case Seen():
            return "this video"
        case NotFound():
            return f"the gateway does not know this video ({_printable(answer.detail)!r})"
        case Unauthorized():
            return f"the key is refused (HTTP {answer.status})"
        case PollError():
            parts = [answer.reason, _printable(answer.detail), answer.hint]
            return "nothing to believe: " + "; ".join(part for part in parts if part)


def _fields(snapshot: Snapshot) -> list[str]:
    canonical = snapshot.status or "an unknown word; status_words can map it"
    lines = [f"status {_printable(snapshot.word)!r} means {canonical}"]
    for name, value in snapshot.as_data().items():
        if name not in {"id", "object", "status"} and value is not None:
            lines.append(f"{name}: {_printable(str(value))}")
    if snapshot.extra:
        lines.append(f"passed through: {_printable(', '.join(snapshot.extra))}")
    return lines


def _consequence(answer: Answer, settings: GatewaySettings) -> str:
    match answer:
        case Seen() if answer.snapshot.ended:
            return "end the watch and send its event"
        case Seen():
            return f"ask again in about {settings.poll_interval:g} s"
        case NotFound():
            return f"send video.lost if this goes on for {settings.not_found_grace:g} s"
        case Unauthorized():
            return "pause this gateway and try the key once a minute; no watch ends"
        case _:
            return "try again, with growing waits; no watch ends"
