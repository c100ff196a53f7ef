"""Runs several demos at once on a machine that busy loops keep busy."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.process.harness import clean_environment, command

_BUSY = "while True: pass"


def run_demos(*, beside: int, busy: int) -> list[tuple[int, str]]:
    """Run `beside` demos at once beside `busy` busy loops; return exit codes and outputs."""
    with busy_loops(busy):
        demos = [
            subprocess.Popen(
                command("demo"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=clean_environment(),
                text=True,
            )
            for _ in range(beside)
        ]
        try:
            outputs = [demo.communicate(timeout=120)[0] for demo in demos]
        finally:
            for demo in demos:
                demo.kill()
                demo.wait()
    return [(demo.returncode, output) for demo, output in zip(demos, outputs, strict=True)]


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Keep `count` cores busy for as long as the block lasts."""
    loops = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
