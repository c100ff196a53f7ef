"""A PgBouncer of the tests' own in front of a server, made of Debian's program."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.postgres import USER, Server, as_owner, free_port, give, own_folder

_STARTS_WITHIN = 30.0


@contextmanager
def pgbouncer(server: Server, mode: str) -> Iterator[int]:
    """Pool connections to `server` in `mode` (session, transaction); yield the port."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("no pgbouncer (Debian package pgbouncer)")
    with own_folder("pgbouncer-") as folder:
        port = free_port()
        users, config = folder / "users", folder / "pgbouncer.ini"
        users.write_text(f'"{USER}" ""\n')
        config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={server.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {users}\npool_mode = {mode}\n"
        )
        for file in (users, config):
            give(file)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*as_owner(), program, str(config)], stdout=log, stderr=log, cwd="/"
            )
        try:
            ends = time.monotonic() + _STARTS_WITHIN
            while not _listens(port):
                said = (folder / "log").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < ends, said
                time.sleep(0.05)
            yield port
        finally:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
