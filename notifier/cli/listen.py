"""`notifier listen`: a local receiver that verifies events and prints them."""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource

from notifier.cli.config_loading import keys_from_config
from notifier.cli.foreground import ForegroundServer, serve_until_stopped
from notifier.cli.options import address_options, config_option, examples
from notifier.cli.param_types import DURATION, ParsedType, WholeNumberType
from notifier.errors import TransportError
from notifier.forwarding import UrlForwarder
from notifier.http_server import Handler
from notifier.listener import Listener, Received
from notifier.signing import decode_secret
from notifier.texts.cleaning import printable
from notifier.texts.shown_json import shown_json

_COLORS = {"video.completed": "green", "video.failed": "red"}


@examples("notifier listen", "notifier listen --port 9001 --fail-first 2")
@click.command("listen")
@config_option
@address_options(9000)
@click.option(
    "--secret", "keys", type=ParsedType("secret", decode_secret), multiple=True, metavar="whsec_…",
    envvar="NOTIFIER_WEBHOOK_SECRET", help="Secret to verify with; repeatable.  "
    "[env: NOTIFIER_WEBHOOK_SECRET, several separated by spaces]",
)  # fmt: skip
@click.option(
    "--respond", type=WholeNumberType(200, 599), default=204, show_default=True, metavar="CODE",
    help="Status to answer verified events with.",
)  # fmt: skip
@click.option(
    "--fail-first", type=WholeNumberType(0), default=0, show_default=True, metavar="N",
    help="Answer the first N attempts of each event with 500.",
)  # fmt: skip
@click.option("--slow", type=DURATION, default=0.0, help="How long to wait before answering.")
@click.option(
    "--forward-to", metavar="URL",
    help="Pass each request on as it came, and answer what that answers.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event.")
def listen_command(  # noqa: PLR0913 - one argument for each option
    *,
    config_path: Path | None,
    host: str,
    port: int,
    keys: Sequence[bytes],
    respond: int,
    fail_first: int,
    slow: float,
    forward_to: str | None,
    as_json: bool,
) -> None:
    """Receive events on this machine, verify them and print them.

    An event whose signature is wrong is answered with 401. Without --secret, the secrets of
    the config's endpoints are used, if there is a config.

    With --forward-to every request goes on to a receiver of yours, byte for byte and with its
    signature, and the answer is that receiver's: 502 where it cannot be reached.
    """
    forwarder = None if forward_to is None else _forwarder(forward_to)
    keys = keys or keys_from_config(config_path)
    render = partial(_as_json if as_json else _as_text, forwarder=forwarder)

    def make_handler(server: ForegroundServer) -> Handler:
        return Listener(
            keys,
            respond=respond,
            fail_first=fail_first,
            slow=slow,
            forward=None if forwarder is None else forwarder.forward,
            on_event=lambda received: server.print_line(render(received)),
        ).handle

    greeting = partial(_greeting, verifies=bool(keys), forwarder=forwarder)
    serve_until_stopped(make_handler, greeting, host, port)


def _forwarder(url: str) -> UrlForwarder:
    """Return what passes requests on to `url`; other answers than its own make no sense then."""
    ctx = click.get_current_context()
    for name, option in (("respond", "--respond"), ("fail_first", "--fail-first")):
        if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(
                f"{option} cannot be used with --forward-to: the receiver's answer is passed back"
            )
    try:
        return UrlForwarder(url)
    except TransportError:
        raise click.BadParameter(
            "must be an http or https URL, such as http://127.0.0.1:8000/hook",
            param_hint="'--forward-to'",
        ) from None


def _greeting(address: str, *, verifies: bool, forwarder: UrlForwarder | None) -> str:
    first = f"listening on {address}/"
    if forwarder is not None:
        first += f"\nforwarding to {forwarder.shown}"
    if verifies:
        return first
    return f"{first}\nno secret and no config: events are shown without being verified"


def _printable(text: str) -> str:
    return printable(text[:200])


def _as_text(received: Received, forwarder: UrlForwarder | None) -> str:
    color = _COLORS.get(received.type, "yellow")
    parts = [
        time.strftime("%H:%M:%S", time.localtime(received.at)),
        _request_line(received),
        click.style(_printable(received.type) or "(no event)", fg=color, bold=True),
        _printable(received.video_id),
        click.style(_printable(received.id), dim=True),
        _verification(received),
        click.style(f"→ {received.status}", dim=True),
    ]
    if received.attempt > 1:
        parts.append(f"attempt {received.attempt}")
    if received.duplicate:
        parts.append(click.style("duplicate", fg="yellow"))
    if received.trouble:
        parts.append(click.style(f"✗ {_printable(received.trouble)}", fg="red"))
    elif forwarder is not None:
        parts.append(f"from {forwarder.shown}")
        parts.append(click.style(_printable(_text(received.answer)), dim=True))
    return "  ".join(part for part in parts if part)


def _request_line(received: Received) -> str:
    """Return method and target where they are other than those of a plain webhook."""
    if (received.method, received.target) == ("POST", "/"):
        return ""
    return _printable(f"{received.method} {received.target}")


def _text(body: bytes) -> str:
    return " ".join(body.decode("utf-8", "replace").split())


def _verification(received: Received) -> str:
    match received.verified:
        case True:
            return click.style("✓ verified", fg="green")
        case False:
            return click.style(f"✗ {_printable(received.reason)}", fg="red")
        case _:
            return "unverified"


def _as_json(received: Received, forwarder: UrlForwarder | None) -> str:
    row: dict[str, object] = {
        "received_at": received.at,
        "verified": received.verified,
        "reason": received.reason,
        "id": received.id,
        "type": received.type,
        "attempt": received.attempt,
        "duplicate": received.duplicate,
        "answered": received.status,
        "data": received.data,
        "watch": received.event.get("watch"),
        "headers": received.headers,
    }
    if forwarder is not None:
        row["forwarded"] = {
            "method": received.method,
            "target": received.target,
            "to": forwarder.shown,
            "trouble": received.trouble or None,
            "answer": received.answer.decode("utf-8", "replace"),
        }
    return shown_json(row)
