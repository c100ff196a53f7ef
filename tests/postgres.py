"""A PostgreSQL server of the tests' own, made of Debian's binaries in a temporary folder.

PostgreSQL refuses to run as root: then the server runs as `postgres` or `nobody`.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from pwd import getpwnam
from urllib.parse import quote

_USER = "notifier"
_STARTS_WITHIN = 60.0


def missing() -> str:
    """Return what is missing for tests on PostgreSQL, in words; "" if nothing is."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (pip install 'video-notifier[postgres]')"
    if _binaries() is None:
        return "no PostgreSQL server binaries (Debian package postgresql)"
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        return "PostgreSQL refuses to run as root, and there is no setpriv"
    return ""


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return None if named is None else Path(named).resolve().parent


@dataclass
class Server:
    """A running server; each `new_url` names an empty schema of its own."""

    folder: Path
    port: int
    _process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def url(self, schema: str = "public", port: int | None = None) -> str:
        """Return the URL of a schema, perhaps through something that listens on another port."""
        options = quote(f"-csearch_path={schema}")
        return f"postgresql://{_USER}@127.0.0.1:{port or self.port}/postgres?options={options}"

    def new_schema(self) -> str:
        """Make an empty schema and return its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.sql(f"CREATE SCHEMA {name}")
        return name

    def new_url(self) -> str:
        """Return the URL of a new schema."""
        return self.url(self.new_schema())

    def sql(self, statement: str) -> None:
        """Run a statement as the superuser."""
        import psycopg  # noqa: PLC0415 - an extra

        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(statement.encode())

    def start(self) -> None:
        """Start the server, which ends with this process, and wait until it takes connections."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_program("postgres"), "-D", str(self.folder / "data")],
                stdout=log,
                stderr=log,
                cwd="/",
            )
        ready = [*_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        ends = time.monotonic() + _STARTS_WITHIN
        while subprocess.run(ready, check=False, cwd="/").returncode:
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < ends, "the server takes no connections"
            time.sleep(0.05)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is a crash."""
        self._control("stop", "-w", "-m", mode)
        if self._process is not None:
            self._process.wait()

    def _control(self, what: str, *options: str) -> None:
        program = _program("pg_ctl")
        subprocess.run(
            [*program, what, "-D", str(self.folder / "data"), *options],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )


def _program(name: str) -> list[str]:
    """Return the command of one of PostgreSQL's programs, as a user that it accepts."""
    binaries = _binaries()
    assert binaries is not None
    command = [str(binaries / name)]
    if os.getuid() == 0:
        ids = (f"--reuid={_owner()}", f"--regid={_group(_owner())}", "--clear-groups")
        return ["setpriv", "--pdeathsig=QUIT", *ids, *command]
    return ["setpriv", "--pdeathsig=QUIT", *command] if shutil.which("setpriv") else command


def _owner() -> str:
    try:
        getpwnam("postgres")
    except KeyError:
        return "nobody"
    return "postgres"


def _group(user: str) -> int:
    return getpwnam(user).pw_gid


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def running_server(*, fsync: bool = False, **settings: object) -> Iterator[Server]:
    """Run a server in a folder of its own; without `fsync` it only survives its own crashes."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    server = Server(folder, _free_port())
    try:
        if os.getuid() == 0:
            os.chown(folder, getpwnam(_owner()).pw_uid, _group(_owner()))
        subprocess.run(
            [
                *_program("initdb"),
                *("-D", str(folder / "data"), "-U", _USER, "-A", "trust", "-E", "UTF8"),
                *("--locale=C.UTF-8", "--no-sync"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        wanted = {
            "listen_addresses": "127.0.0.1",
            "port": server.port,
            "unix_socket_directories": "",
            "fsync": "on" if fsync else "off",
            "max_connections": 60,
            "shared_buffers": "64MB",
            **settings,
        }
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{key} = '{value}'\n" for key, value in wanted.items())
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
