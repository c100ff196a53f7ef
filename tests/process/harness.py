"""Runs a real daemon as a process, with a sandbox and receivers that record every byte."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import tomli_w
import trio

from notifier.http_server import Request, Response, Wire, serve
from notifier.sandbox import Sandbox
from notifier.signing import generate_secret

PATIENCE = 180.0
"""How long anything may take before a test gives up waiting, in seconds.

It bounds hangs alone: far more than a busy machine needs for anything that is waited for.
"""

FAST = {
    "poll_interval": "200ms",
    "min_poll_interval": "100ms",
    "not_found_grace": "1s",
    "max_requests_per_second": 200,
}


@dataclass
class Got:
    """One POST as a receiver saw it."""

    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass
class Receiver:
    """Records every POST, then answers as `answer` says (204 by default).

    An answer that is None resets the connection; no `answer` at all hangs. Answers come `delay`
    seconds after an event was taken.
    """

    answer: Callable[[Got], Response | None] | None = lambda _: Response(204, {}, b"")
    got: list[Got] = field(default_factory=list)
    before_answer: Callable[[Got], None] = lambda _: None
    delay: float = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, request: Request, wire: Wire) -> Response | None:
        got = Got(request.headers, request.body, time.time())
        self.got.append(got)
        self.before_answer(got)
        await trio.sleep(self.delay)
        if self.answer is None:
            await wire.hang()
            return None
        answer = self.answer(got)
        if answer is None:
            await wire.reset()
        return answer

    async def wait_for(self, count: int) -> None:
        """Wait until `count` POSTs have come."""
        await eventually(lambda: len(self.got) >= count, f"{count} POSTs, got {len(self.got)}")


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Look until `condition` holds; fail after PATIENCE."""
    with trio.move_on_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - other processes set no events
            await trio.sleep(0.02)
        return
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


@dataclass
class World:
    """A folder with a config, a sandbox gateway, and receivers; all on loopback."""

    folder: Path
    sandbox: Sandbox
    gateway_port: int
    nursery: trio.Nursery
    secret: str = field(default_factory=generate_secret)
    config: dict[str, Any] = field(default_factory=dict)
    receivers: dict[str, Receiver] = field(default_factory=dict)

    @property
    def config_path(self) -> Path:
        return self.folder / "config.toml"

    @property
    def store_path(self) -> Path:
        return self.folder / "state" / "notifier.db"

    async def receiver(self, **options: Any) -> Receiver:  # noqa: ANN401 - passed on
        receiver = Receiver(**options)
        receiver.port = await self.nursery.start(partial(serve, receiver.handle, port=0))
        return receiver

    def endpoint(self, receiver: Receiver, name: str = "app", **settings: object) -> None:
        self.config.setdefault("endpoints", {})[name] = {
            "url": receiver.url,
            "secret": self.secret,
            **settings,
        }

    def watch(self, *video_ids: str, **settings: object) -> None:
        self.config.setdefault("watches", []).extend(
            {"video_id": video_id, **settings} for video_id in video_ids
        )

    def gateway(self, **settings: object) -> None:
        base_url = f"http://127.0.0.1:{self.gateway_port}/v1"
        self.config["gateways"] = {"main": {"base_url": base_url, **FAST, **settings}}

    def save(self) -> Path:
        """Write the config file."""
        self.config.setdefault("store", {"path": str(self.store_path)})
        if "gateways" not in self.config:
            self.gateway()
        with self.config_path.open("wb") as file:
            tomli_w.dump(self.config, file)
        self.config_path.chmod(0o600)
        return self.config_path


@asynccontextmanager
async def world(folder: Path, **sandbox_options: Any) -> AsyncIterator[World]:  # noqa: ANN401
    """Start a sandbox gateway; yield the world around it and stop everything at the end."""
    async with trio.open_nursery() as nursery:
        sandbox = Sandbox(**sandbox_options)
        port = await nursery.start(partial(serve, sandbox.handle, port=0))
        yield World(folder, sandbox, port, nursery)
        nursery.cancel_scope.cancel()


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "notifier", *map(str, arguments)]


def clean_environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without what would change where notifier looks."""
    changing = ("NOTIFIER_", "XDG_", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "CI", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(changing)}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1", **extra}


async def notifier(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    with trio.fail_after(PATIENCE):
        done = await trio.run_process(
            command(*arguments),
            stdin=stdin.encode(),
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env=clean_environment(**(env or {})),
            cwd=cwd,
        )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@dataclass
class Daemon:
    """A running `notifier run`; its log lines are in `log_path`."""

    process: trio.Process
    log_path: Path

    def logs(self, event: str = "") -> list[dict[str, Any]]:
        # a long log is looked at often: only lines that may be meant are parsed
        lines = [
            json.loads(line)
            for line in self.log_path.read_text().splitlines()
            if line.startswith("{") and line.endswith("}") and event in line
        ]
        return [line for line in lines if not event or line["event"] == event]

    async def wait_for_log(self, event: str, count: int = 1) -> None:
        await eventually(
            lambda: len(self.logs(event)) >= count,
            f"{count} {event!r} lines in\n{self.log_path.read_text()}",
        )

    async def end(self, signum: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(signum)
        return await self.exit_code()

    async def exit_code(self) -> int:
        with trio.fail_after(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def running(
    config: Path, *options: str, started: bool = True, **env: str
) -> AsyncIterator[Daemon]:
    """Run the daemon for as long as the block lasts; kill it if it is still there then."""
    log_path = config.parent / "daemon.log"
    with log_path.open("a") as log:
        before = log_path.stat().st_size
        process = await trio.lowlevel.open_process(
            command("run", "-c", config, *options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=clean_environment(**env),
        )
    daemon = Daemon(process, log_path)
    try:
        if started:
            await eventually(
                lambda: (
                    b'"event":"started"' in log_path.read_bytes()[before:].replace(b" ", b"")
                    or process.poll() is not None
                ),
                "the daemon's start",
            )
            assert b"started" in log_path.read_bytes()[before:], log_path.read_text()
        yield daemon
    finally:
        with trio.CancelScope(shield=True):
            if process.poll() is None:
                process.kill()
            await process.wait()
