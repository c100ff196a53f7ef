"""A PostgreSQL server of the tests' own, made of Debian's binaries in a temporary folder.

PostgreSQL refuses to run as root: then the server runs as `postgres` or `nobody`.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from pwd import getpwnam
from typing import Any
from urllib.parse import quote

USER = "notifier"
"""Who connects; the superuser, too."""

_STARTS_WITHIN = 60.0


def missing() -> str:
    """Return what is missing for tests on PostgreSQL, in words; "" if nothing is."""
    if find_spec("psycopg") is None:
        return "psycopg is not installed (pip install '.[postgres]')"
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
        return f"postgresql://{USER}@127.0.0.1:{port or self.port}/postgres?options={options}"

    def new_schema(self) -> str:
        """Make an empty schema and return its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.sql(f"CREATE SCHEMA {name}")
        return name

    def new_database(self) -> str:
        """Make an empty database and return its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return name

    def new_url(self) -> str:
        """Return the URL of a new schema."""
        return self.url(self.new_schema())

    def sql(self, statement: str) -> None:
        """Run a statement as the superuser."""
        import psycopg  # noqa: PLC0415 - an extra

        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(statement.encode())

    def ask(self, query: str) -> tuple[Any, ...] | None:
        """Return the first row of a query's answer."""
        import psycopg  # noqa: PLC0415 - an extra

        with psycopg.connect(self.url(), autocommit=True) as db:
            return db.execute(query.encode()).fetchone()

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the server, which ends with the thread that calls this."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_program("postgres"), "-D", str(self.folder / "data")],
                stdout=log,
                stderr=log,
                cwd="/",
            )

    def wait_until_ready(self) -> None:
        """Return once the server takes connections."""
        assert self._process is not None
        ready = [*_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        ends = time.monotonic() + _STARTS_WITHIN
        while subprocess.run(ready, check=False, cwd="/").returncode:
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < ends, "the server takes no connections"
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server with SIGKILL, as if its machine were gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def promote(self) -> None:
        """Make a standby take writes, and wait until it does."""
        self._control("promote", "-w")

    def reload(self, **settings: object) -> None:
        """Change settings while the server runs."""
        for key, value in settings.items():
            self.sql(f"ALTER SYSTEM SET {key} = '{value}'")
        self.sql("SELECT pg_reload_conf()")

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is a crash."""
        self._control("stop", "-w", "-m", mode)
        if self._process is not None:
            self._process.wait()

    def _control(self, what: str, *options: str) -> None:
        _run("pg_ctl", what, "-D", str(self.folder / "data"), *options)


def _program(name: str) -> list[str]:
    """Return the command of one of PostgreSQL's programs, as a user that it accepts."""
    binaries = _binaries()
    assert binaries is not None
    return [*as_owner(), str(binaries / name)]


def as_owner() -> list[str]:
    """Return what a command begins with that runs as a user that PostgreSQL accepts."""
    if os.getuid() == 0:
        ids = (f"--reuid={_owner()}", f"--regid={_group(_owner())}", "--clear-groups")
        return ["setpriv", "--pdeathsig=QUIT", *ids]
    return ["setpriv", "--pdeathsig=QUIT"] if shutil.which("setpriv") else []


def _owner() -> str:
    try:
        getpwnam("postgres")
    except KeyError:
        return "nobody"
    return "postgres"


def _group(user: str) -> int:
    return getpwnam(user).pw_gid


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def running_server(*, fsync: bool = False, **settings: object) -> Iterator[Server]:
    """Run a server in a folder of its own; without `fsync` it only survives its own crashes."""
    with own_folder("pg-") as folder:
        _run(
            *("initdb", "-D", str(folder / "data"), "-U", USER, "-A", "trust", "-E", "UTF8"),
            *("--locale=C.UTF-8", "--no-sync"),
        )
        wanted = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "on" if fsync else "off",
            "max_connections": 60,
            "shared_buffers": "64MB",
            **settings,
        }
        with _started(Server(folder, free_port()), wanted) as server:
            yield server


@contextmanager
def running_standby(primary: Server) -> Iterator[Server]:
    """Run a server that follows `primary` until it is promoted."""
    with own_folder("pg-standby-") as folder:
        _run(
            *("pg_basebackup", "-D", str(folder / "data"), "-R", "-X", "stream", "-c", "fast"),
            *("-d", f"host=127.0.0.1 port={primary.port} user={USER} application_name=standby"),
        )
        with _started(Server(folder, free_port()), {}) as standby:
            yield standby


@contextmanager
def _started(server: Server, settings: Mapping[str, object]) -> Iterator[Server]:
    with (server.folder / "data" / "postgresql.conf").open("a") as file:
        for key, value in {**settings, "port": server.port}.items():
            file.write(f"{key} = '{value}'\n")
    server.start()
    try:
        yield server
    finally:
        if server.is_running:
            server.stop("immediate")


@contextmanager
def own_folder(prefix: str) -> Iterator[Path]:
    """Make a folder that PostgreSQL's programs may write to; remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        give(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def give(path: Path) -> None:
    """Make `path` belong to the user that PostgreSQL's programs run as."""
    if os.getuid() == 0:
        os.chown(path, getpwnam(_owner()).pw_uid, _group(_owner()))


def _run(name: str, *options: str) -> None:
    subprocess.run([*_program(name), *options], check=True, stdout=subprocess.DEVNULL, cwd="/")
