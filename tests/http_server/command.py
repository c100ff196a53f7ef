"""A serving command as a process of its own, read line by line."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

import notifier

_PATIENCE = 120


@dataclass(slots=True)
class Command:
    """A running `notifier …` and what it has printed so far."""

    process: trio.Process
    _rest: bytearray = field(default_factory=bytearray)

    async def line(self) -> str:
        """Return the next line of stdout."""
        assert self.process.stdout is not None
        with trio.fail_after(_PATIENCE):
            while b"\n" not in self._rest:
                data = await self.process.stdout.receive_some()
                assert data, "the command has ended"
                self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    async def stop(self, sign: signal.Signals) -> tuple[int, str]:
        """Send a signal; return the exit code and everything on stderr."""
        assert self.process.stderr is not None
        self.process.send_signal(sign)
        with trio.fail_after(_PATIENCE):
            said = b"".join([data async for data in self.process.stderr])
            return await self.process.wait(), said.decode()


@asynccontextmanager
async def started(*arguments: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Command]:
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "notifier", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**_clean_env(), **(env or {})},
        cwd="/",
    )
    try:
        yield Command(process)
    finally:
        if process.returncode is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            await trio.aclose_forcefully(stream)


async def finished(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    with trio.fail_after(_PATIENCE):
        return await trio.run_process(
            [sys.executable, "-m", "notifier", *arguments],
            check=False,
            capture_stdout=True,
            capture_stderr=True,
            env=_clean_env(),
            cwd="/",
        )


def _clean_env() -> dict[str, str]:
    """Return an environment in which no config or secret of the developer is found."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("NOTIFIER_")}
    return {**env, "PYTHONPATH": str(Path(notifier.__file__).parent.parent)}
