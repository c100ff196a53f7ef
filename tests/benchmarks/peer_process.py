"""Runs a cheap server of a benchmark in a process of its own, on a free port of loopback."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator


async def serve(protocol: Callable[[], asyncio.Protocol]) -> None:
    """Serve until the process ends; print the port."""
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, backlog=2000)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextlib.contextmanager
def running_peer(module: str, *arguments: str) -> Iterator[str]:
    """Run the module, which serves; yield its address without a path."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
