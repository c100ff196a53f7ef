"""`notifier install` and `uninstall`: a systemd service that runs the installed notifier."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import click

from notifier.cli.options import examples
from notifier.errors import NotifierError
from notifier.shipped_files import UNIT, shipped_file, unit_text
from notifier.signing import generate_secret

_PACKAGED = "/opt/notifier/bin/notifier"
_MARK = "# notifier as a service"
_HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user", "/tmp", "/var/tmp")))  # noqa: S108 - names them
_SECRET = "app-secret"  # noqa: S105 - a file's name
_STARTER = """\
# The config of the service. Every key, with its default and why: config.example.toml.
# Put your gateway's base_url and your receiver's url here. Secrets are files in
# {credentials}, which only root can read: {{ credential = "NAME" }} is the file NAME there.

[gateways.main]
base_url = "https://gateway.example/v1"
#api_key = {{ credential = "gateway-key" }}

[endpoints.app]
url = "https://app.example/webhooks"
secret = {{ credential = "{secret}" }}
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of the service's files, below `root`."""

    root: Path

    @property
    def unit(self) -> Path:
        """The unit file."""
        return self.root / "etc/systemd/system" / UNIT

    @property
    def config(self) -> Path:
        """The config, readable by everybody."""
        return self.root / "etc/notifier/config.toml"

    @property
    def credentials(self) -> Path:
        """The folder with a file for each secret, for root alone."""
        return self.root / "etc/notifier/credentials"

    @property
    def secret(self) -> Path:
        """The secret that the first endpoint's events are signed with."""
        return self.credentials / _SECRET


_root_option = click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/"),
    help="Work on the system below this folder, such as an image.",
)


@examples("notifier install", "sudo notifier install --write")
@click.command("install")
@_root_option
@click.option("--write", is_flag=True, help="Write the files; without it they are only shown.")
def install_command(*, root: Path, write: bool) -> int:
    """Install a systemd service that runs this very notifier.

    Without --write it is only shown.
    """
    program = _program()
    text = unit_text().replace(_PACKAGED, str(program))
    obstacle = next(obstacles(program), None)
    layout = Layout(root)
    if not write:
        click.echo(text, nl=False)
        click.echo(f"\n`notifier install --write` puts this into {layout.unit}", err=True)
        if obstacle is not None:
            click.secho(f"notifier: warning: {obstacle}", fg="yellow", err=True)
        return 0
    if obstacle is not None:
        raise NotifierError(obstacle)
    try:
        _install(layout, text)
    except OSError as error:
        raise NotifierError(f"cannot write {error.filename}: {error.strerror}") from None
    click.echo(
        f"\nNext, when {layout.config} says where your gateway and your receiver are:\n"
        "  systemctl daemon-reload\n"
        "  systemctl enable --now notifier\n"
        f"  notifier status -c {layout.config}\n"
        "Every key of the config, with its default and why:\n"
        f"  {shipped_file('config.example.toml')}"
    )
    return 0


def _program() -> Path:
    """Return the `notifier` beside the interpreter that runs this."""
    program = Path(sys.executable).with_name("notifier")
    if not program.exists():
        raise NotifierError(f"{program} does not exist: install the package, not just its source")
    return program


def obstacles(program: Path) -> Iterator[str]:
    """Yield why the service's user could not run `program`."""
    advice = "install it somewhere like /opt/notifier"
    for path in (program, Path(sys.executable).resolve(), Path(sys.base_prefix).resolve()):
        for folder in reversed(path.parents):
            if folder in _HIDDEN:
                yield f"the service could not run {path}: it sees nothing of {folder}; {advice}"
            elif not folder.stat().st_mode & stat.S_IXOTH:
                yield f"the service could not run {path}: {folder} is closed to others; {advice}"


def _install(layout: Layout, unit: str) -> None:
    for folder, mode in ((layout.config.parent, 0o755), (layout.credentials, 0o700)):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    if not layout.config.exists():
        _write(layout.secret, f"{generate_secret()}\n", 0o600)
        _write(layout.config, _starter(layout), 0o644)
    else:
        click.echo(f"{layout.config} is there already and stays as it is")
    layout.unit.parent.mkdir(parents=True, exist_ok=True)
    _write(layout.unit, unit, 0o644)


def _starter(layout: Layout) -> str:
    return _STARTER.format(credentials="/etc/notifier/credentials", secret=layout.secret.name)


def _write(path: Path, text: str, mode: int) -> None:
    """Write a file atomically."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        os.fchmod(fd, mode)
        file.write(text)
    hidden.replace(path)
    click.echo(f"wrote {path}")


@examples("sudo notifier uninstall")
@click.command("uninstall")
@_root_option
def uninstall_command(*, root: Path) -> int:
    """Stop and remove the service.

    Its state stays, and so does a config that was changed.
    """
    layout = Layout(root)
    if not layout.unit.exists():
        raise NotifierError(f"{layout.unit} does not exist")
    if not layout.unit.read_text(encoding="utf-8", errors="replace").startswith(_MARK):
        raise NotifierError(f"{layout.unit} was not written by notifier install: it stays")
    try:
        _uninstall(layout)
    except OSError as error:
        raise NotifierError(f"cannot remove {error.filename}: {error.strerror}") from None
    click.echo("what it has in /var/lib/notifier stays")
    return 0


def _uninstall(layout: Layout) -> None:
    _systemctl(layout, "disable", "--now", layout.unit.name)
    _remove(layout.unit)
    _systemctl(layout, "daemon-reload")
    if layout.config.exists() and layout.config.read_text("utf-8") == _starter(layout):
        _remove(layout.config)
        _remove(layout.secret)
        for folder in (layout.credentials, layout.config.parent):
            with suppress(OSError):  # it holds other files
                folder.rmdir()
    elif layout.config.exists():
        click.echo(f"{layout.config} was changed: it stays, with {layout.credentials}")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    click.echo(f"removed {path}")


def _systemctl(layout: Layout, *arguments: str) -> None:
    """Run systemctl; only for the real root folder, and where it is installed."""
    program = shutil.which("systemctl")
    if layout.root != Path("/") or program is None:
        return
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode != 0 and "systemd" not in done.stderr:
        click.secho(f"notifier: warning: {done.stderr.strip()}", fg="yellow", err=True)
