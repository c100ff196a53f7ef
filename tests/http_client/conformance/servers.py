"""Starts each server as a process of its own that listens on sockets of the test."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

_HERE = Path(__file__).parent
_APP = "tests.http_client.conformance.app:app"
_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Files:
    """A folder for a server, and its certificate there, with the CA that signed it."""

    folder: Path
    key: Path
    cert: Path
    ca: Path


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is; `secure` is None for what was started without TLS."""

    name: str
    plain: str
    secure: str
    ca: Path


Command = Callable[[Files, socket.socket, socket.socket], list[list[str]]]


def _uvicorn(files: Files, plain: socket.socket, secure: socket.socket) -> list[list[str]]:
    uvicorn = [sys.executable, "-m", "uvicorn", _APP, "--log-level", "error"]
    uvicorn += ["--timeout-keep-alive", "2", "--fd"]
    tls = ["--ssl-keyfile", str(files.key), "--ssl-certfile", str(files.cert)]
    return [[*uvicorn, str(plain.fileno())], [*uvicorn, str(secure.fileno()), *tls]]


def _hypercorn(files: Files, plain: socket.socket, secure: socket.socket) -> list[list[str]]:
    hypercorn = [sys.executable, "-m", "hypercorn", _APP, "--keep-alive", "2"]
    hypercorn += ["--log-level", "error"]
    tls = ["--keyfile", str(files.key), "--certfile", str(files.cert)]
    insecure = ["--insecure-bind", f"fd://{plain.fileno()}"]
    return [[*hypercorn, *insecure, *tls, "--bind", f"fd://{secure.fileno()}"]]


def _node(files: Files, plain: socket.socket, secure: socket.socket) -> list[list[str]]:
    descriptors = [str(plain.fileno()), str(secure.fileno())]
    return [["node", str(_HERE / "server.mjs"), *descriptors, str(files.key), str(files.cert)]]


def _nginx(files: Files, plain: socket.socket, secure: socket.socket) -> list[list[str]]:
    pages = files.folder / "files"
    pages.mkdir()
    text = "".join(f"{number}," for number in range(1000)) + "end"
    (pages / "chunks").write_text(text, encoding="ascii")
    (pages / "end").write_text("to the end", encoding="ascii")
    lines = "x" * 3000
    conf = files.folder / "nginx.conf"
    conf.write_text(
        (_HERE / "nginx.conf")
        .read_text(encoding="utf-8")
        .format(
            folder=files.folder,
            # or root's workers would be somebody who may not read its folder
            user="user root;" if os.geteuid() == 0 else "",
            plain=plain.getsockname()[1],
            secure=secure.getsockname()[1],
            key=files.key,
            cert=files.cert,
            many=" ".join(f"add_header x-number-{n} {n};" for n in range(90)),
            large=" ".join(f"add_header x-large {lines};" for _ in range(10)),
            too_large=" ".join(f"add_header x-large {lines};" for _ in range(34)),
        ),
        encoding="utf-8",
    )
    return [["nginx", "-p", str(files.folder), "-c", str(conf)]]


COMMANDS: dict[str, tuple[str, Command]] = {
    "nginx": ("nginx", _nginx),
    "hypercorn": (sys.executable, _hypercorn),
    "uvicorn": (sys.executable, _uvicorn),
    "node": ("node", _node),
}
"""What each server is started with, and the program that this needs."""


def missing(name: str) -> str | None:
    """Return the program that a server needs and that is not here, None if it can be started."""
    program, _ = COMMANDS[name]
    return None if shutil.which(program) else program


@contextmanager
def server(name: str, folder: Path) -> Iterator[Server]:
    """Run a server for as long as the block lasts."""
    files = _files(folder)
    with ExitStack() as stack:
        plain, secure = (stack.enter_context(_listener()) for _ in range(2))
        inherited = (plain.fileno(), secure.fileno())
        # nginx takes over sockets as from a process of its own that it replaces
        environment = {**os.environ, "NGINX": "".join(f"{one};" for one in inherited)}
        for command in COMMANDS[name][1](files, plain, secure):
            stack.enter_context(_running(command, inherited, environment))
        ports = [one.getsockname()[1] for one in (plain, secure)]
        yield Server(
            name, f"http://127.0.0.1:{ports[0]}", f"https://localhost:{ports[1]}", files.ca
        )


def _files(folder: Path) -> Files:
    files = Files(folder, folder / "key.pem", folder / "cert.pem", folder / "ca.pem")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(files.ca))
    certificate.private_key_pem.write_to_path(str(files.key))
    for pem in certificate.cert_chain_pems:
        pem.write_to_path(str(files.cert), append=True)
    return files


def _listener() -> socket.socket:
    """Return a socket that listens already: who connects before the server runs waits for it."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    listener.settimeout(0)  # nginx accepts until there is nobody left
    return listener


@contextmanager
def _running(
    command: list[str], inherited: tuple[int, int], environment: dict[str, str]
) -> Iterator[None]:
    process = subprocess.Popen(command, pass_fds=inherited, env=environment)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
