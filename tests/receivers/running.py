"""Runs a receiver of docs/receivers.md as the processes that its page names."""

import os
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
import trio

from tests.process.harness import PATIENCE, eventually
from tests.receivers.programs import Command, Program


@dataclass(frozen=True, slots=True)
class Running:
    """A receiver that takes events at `url`; what it prints is in `output`."""

    url: str
    inbox: Path
    output: Path
    processes: Sequence[trio.Process]

    def printed(self, words: str) -> int:
        """Count the lines that contain `words`."""
        return sum(words in line for line in self.output.read_text().splitlines())

    async def wait_for(self, words: str) -> None:
        await eventually(lambda: self.printed(words) > 0, f"{words!r}\n{self.output.read_text()}")

    async def wait_until_worked_on(self, event_id: str) -> None:
        file = self.inbox / f"{event_id}.json"
        await eventually(
            lambda: file.exists() and not file.stat().st_size,
            f"{file} has been worked on\n{self.output.read_text()}",
        )

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        """Send a request and return the status of the answer."""
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
            answer = await client.post(self.url, headers=headers, content=body)
        return answer.status_code


@asynccontextmanager
async def receiver(
    program: Program, folder: Path, port: int, commands: Sequence[Command], *secrets: str
) -> AsyncIterator[Running]:
    """Run a prepared receiver that knows `secrets`; kill it at the end of the block."""
    output = folder / "output"
    environment = {
        **os.environ,
        "PORT": str(port),
        "INBOX": str(folder / "inbox"),
        "WEBHOOK_SECRETS": " ".join(secrets),
    }
    async with AsyncExitStack() as stack:
        with output.open("ab") as file:
            processes = [
                await stack.enter_async_context(_process(command, folder, environment, file))
                for command in commands
            ]
        url = f"http://127.0.0.1:{port}{program.path}"
        running = Running(url, folder / "inbox", output, processes)
        await _until_it_listens(running, port)
        yield running


@asynccontextmanager
async def _process(
    command: Command, folder: Path, environment: Mapping[str, str], output: BinaryIO
) -> AsyncIterator[trio.Process]:
    process = await trio.lowlevel.open_process(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd=folder,
        env=environment,
    )
    try:
        yield process
    finally:
        with trio.CancelScope(shield=True):
            process.kill()
            await process.wait()


async def _until_it_listens(running: Running, port: int) -> None:
    with trio.move_on_after(PATIENCE):
        while all(process.poll() is None for process in running.processes):
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                await trio.sleep(0.05)
            else:
                await stream.aclose()
                return
    raise AssertionError(f"the receiver did not start:\n{running.output.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
