"""How each receiver of docs/receivers.md is built and run, and what it needs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import npm

HERE = Path(__file__).parent
GSON = Path("/usr/share/java/gson.jar")
EXPRESS = "express@5.3.0"  # as in .ci/run, which puts it into npm's cache
_BUILDING = 120.0

Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Program:
    """A receiver.

    `prepare` builds it in a folder and returns the processes that run there, given a port.
    `needs` has what must be there, each with where Debian has it. `refuses` is its answer to what
    is not signed.
    """

    name: str
    needs: Sequence[tuple[str | Path, str]]
    prepare: Callable[[Path, int], Sequence[Command]]
    path: str = "/webhooks"
    refuses: int = 401

    def skip_unless_possible(self) -> None:
        for wanted, where in self.needs:
            there = wanted.exists() if isinstance(wanted, Path) else shutil.which(wanted)
            if not there:
                pytest.skip(f"{wanted} is missing ({where})")


def _copy(folder: Path, *names: str) -> None:
    for name in names:
        shutil.copy(HERE / name, folder)


def _build(folder: Path, *command: str | Path) -> None:
    environment = {**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_BUILDING,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _fastapi(folder: Path, port: int) -> Sequence[Command]:
    _copy(folder, "python/inbox.py", "python/fastapi_app.py")
    return [[sys.executable, "-m", "uvicorn", "--port", str(port), "fastapi_app:app"]]


def _flask(folder: Path, port: int) -> Sequence[Command]:
    _copy(folder, "python/inbox.py", "python/flask_app.py")
    return [[sys.executable, "-m", "flask", "--app", "flask_app", "run", "--port", str(port)]]


def _express(folder: Path, port: int) -> Sequence[Command]:
    modules = npm.folder_with(EXPRESS) / "node_modules"
    _copy(folder, "node/receiver.mjs")
    (folder / "node_modules").symlink_to(modules)
    return [["node", "receiver.mjs"]]


def _go(folder: Path, port: int) -> Sequence[Command]:
    _copy(folder, "go/receiver.go")
    _build(folder, "go", "vet", "receiver.go")
    _build(folder, "go", "build", "receiver.go")
    return [["./receiver"]]


def _java(folder: Path, port: int) -> Sequence[Command]:
    _copy(folder, "java/Receiver.java")
    _build(folder, "javac", "-Xlint:all", "-Werror", "-cp", GSON, "-d", "lint", "Receiver.java")
    return [["java", "-cp", GSON, "Receiver.java"]]


def _php(folder: Path, port: int) -> Sequence[Command]:
    _copy(folder, "php/receiver.php")
    server = ["php", "-S", f"127.0.0.1:{port}", "receiver.php"]
    return [server, ["php", "receiver.php", "work"]]


def _dotnet(folder: Path, port: int) -> Sequence[Command]:
    _copy(folder, "csharp/Inbox.cs", "csharp/Program.cs", "csharp/Receiver.csproj")
    _build(folder, "dotnet", "build", "-o", "built")
    return [["dotnet", "built/Receiver.dll"]]


def _mono(folder: Path, port: int) -> Sequence[Command]:
    _copy(folder, "csharp/Inbox.cs", "mono/Program.cs")
    _build(folder, "mcs", "-langversion:7.2", "-out:receiver.exe", "Inbox.cs", "Program.cs")
    return [["mono", "receiver.exe"]]


def _webhook(folder: Path, port: int) -> Sequence[Command]:
    _copy(folder, "python/inbox.py", "webhook/receive.py", "webhook/hooks.json")
    server = ["webhook", "-hooks", "hooks.json", "-ip", "127.0.0.1", "-port", str(port)]
    return [server, ["/usr/bin/python3", "inbox.py"]]


PROGRAMS = (
    Program("fastapi", (), _fastapi),
    Program("flask", (), _flask),
    Program("express", (), _express),
    Program("go", (("go", "Debian package golang-go"),), _go),
    Program(
        "java",
        (
            ("javac", "Debian package default-jdk-headless"),
            (GSON, "Debian package libgoogle-gson-java"),
        ),
        _java,
    ),
    Program("php", (("php", "Debian package php-cli"),), _php),
    Program("aspnet", (("dotnet", "Microsoft's .NET SDK, which Debian does not have"),), _dotnet),
    Program(
        "csharp-inbox-on-mono",
        (("mcs", "Debian package mono-mcs"), ("mono", "Debian package mono-runtime")),
        _mono,
    ),
    Program(
        "webhook",
        (("webhook", "Debian package webhook"), (Path("/usr/bin/python3"), "package python3")),
        _webhook,
        path="/hooks/notifier",
        refuses=500,
    ),
)
