"""`notifier init`: writes a starter config with a fresh signing secret."""

import os
import shlex
import socket
from contextlib import suppress
from pathlib import Path

import click
import tomli_w

from notifier.cli.config_loading import print_warnings
from notifier.cli.options import config_option, examples
from notifier.config import load
from notifier.errors import ConfigError, NotifierError
from notifier.formats.service import Signing
from notifier.formats.table import SERVICES
from notifier.model.delivery import Format
from notifier.shipped_files import shipped_file
from notifier.signing import generate_secret

_HEADER = """\
# A starter config for notifier. Every key, with its default and why:
# {example}
# As it stands it watches `notifier sandbox` and delivers to `notifier listen`; put your
# gateway's base_url (up to and including /v1) and your receiver's url in their place.
# The page and the API are at [http] listen, for everybody on this machine. A `token` beside it, of
# 16 characters or more, makes people sign in.

"""
_TEMPLATE = "message.j2"
_TEMPLATE_TEXT = """\
{
  "title": {{ type | tojson }},
  "text": {{ (data.id ~ (": " ~ data.error.message if data.error else "")) | tojson }},
  "link": {{ watch.content_url | tojson }}
}
"""
_PRIVATE = 0o600
_PORT, _MOST_PROJECTS = 8787, 20
_TRIAL_GATEWAY = "http://127.0.0.1:8080/v1"
_TRIAL_ENDPOINT = "http://127.0.0.1:9000/"


@examples(
    "notifier init",
    "notifier init --base-url https://gateway.example/v1 --api-key-env GATEWAY_KEY",
    "notifier init --discover",
    "notifier init --format discord --endpoint-url https://discord.com/api/webhooks/…",
)
@click.command("init")
@config_option
@click.option(
    "--base-url",
    default=_TRIAL_GATEWAY,
    show_default=True,
    help="Your gateway, up to and including /v1.",
)
@click.option(
    "--api-key-env",
    metavar="NAME",
    help="Environment variable that holds the gateway's API key.",
)
@click.option(
    "--endpoint-url",
    default=_TRIAL_ENDPOINT,
    show_default=True,
    help="Where events are POSTed.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([each.value for each in Format]),
    default=Format.STANDARD.value,
    show_default=True,
    help="What the receiver gets.",
)
@click.option("--discover", is_flag=True, help="Watch every job on the gateway's list.")
def init_command(
    config_path: Path | None,
    base_url: str,
    api_key_env: str | None,
    endpoint_url: str,
    form: str,
    *,
    discover: bool,
) -> int:
    """Write a starter config with a fresh secret.

    A file that exists is not overwritten.
    """
    path = config_path or Path(os.environ.get("NOTIFIER_CONFIG") or "config.toml")
    gateway: dict[str, object] = {"base_url": base_url}
    if api_key_env is not None:
        gateway["api_key"] = {"env": api_key_env}
    if discover:
        gateway["discover"] = True
    document = {
        "http": {"listen": f"127.0.0.1:{_free_port()}"},
        "gateways": {"main": gateway},
        "endpoints": {"app": _endpoint(Format(form), endpoint_url)},
    }
    if form == Format.TEMPLATE:
        _write_new(path.parent / _TEMPLATE, _TEMPLATE_TEXT)
    example = shipped_file("config.example.toml")
    _write_new(path, _HEADER.format(example=example) + tomli_w.dumps(document))
    try:
        config = load(path, os.environ)
    except ConfigError:
        path.unlink()
        raise
    where = "" if config_path is None else f" -c {shlex.quote(str(path))}"
    print_warnings(config)
    listen, sandbox = endpoint_url == _TRIAL_ENDPOINT, base_url == _TRIAL_GATEWAY
    steps = _next_steps(where, listen=listen, sandbox=sandbox, discover=discover)
    if form != Format.STANDARD:
        steps = (
            f"  notifier endpoints test{where} app --type video.completed    # a sample\n{steps}"
        )
    click.echo(
        f"wrote {path}\n"
        f"Next, each in a terminal of its own:\n{steps}"
        "Every key, with its default and why:\n"
        f"  {example}\n"
        "Beside it: the config's JSON Schema, systemd units and Prometheus alert rules."
    )
    return 0


def _endpoint(form: Format, url: str) -> dict[str, object]:
    """Return an endpoint that works as soon as its URL is right."""
    if form is not Format.STANDARD and url == _TRIAL_ENDPOINT and SERVICES[form].message:
        raise click.UsageError(f"format {form} needs the webhook's URL: --endpoint-url")
    endpoint: dict[str, object] = {"url": url}
    if form is not Format.STANDARD:
        endpoint["format"] = form.value
    if form is Format.TEMPLATE:
        endpoint["template"] = _TEMPLATE
    if SERVICES[form].signing in {Signing.REQUIRED, Signing.OPTIONAL}:
        endpoint["secret"] = generate_secret()
    return endpoint


def _next_steps(where: str, *, listen: bool, sandbox: bool, discover: bool) -> str:
    """Return what to do next: with a gateway and a receiver of one's own, or with ours."""
    receive = f"  notifier listen{where}     # receives and verifies events\n" if listen else ""
    gateway = (
        "  notifier sandbox    # a gateway to try it with\n"
        if sandbox
        else f"  notifier probe{where} main VIDEO_ID    # asks your gateway once\n"
    )
    follow = f"  notifier watch add{where} VIDEO_ID\n"
    if discover:
        follow = f"  notifier status{where} --follow   # every new job shows up by itself\n"
    return f"{receive}{gateway}  notifier run{where}        # the daemon\n{follow}"


def _free_port() -> int:
    """Return the first port from the usual one on that nobody on loopback listens at now."""
    for port in range(_PORT, _PORT + _MOST_PROJECTS):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    return _PORT


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotifierError(f"{folder} is not a folder") from None


def _write_new(path: Path, text: str) -> None:
    """Write a private file that must not exist yet."""
    try:
        _make_folder(path.parent)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise NotifierError(f"{path} exists already; it was left as it is") from None
    except OSError as error:
        raise NotifierError(
            f"cannot write {path}: {error.strerror}; -c names another file"
        ) from None
