"""CPU per request of a loop that is run many times at once."""

import asyncio
import resource
import sys
from collections.abc import Awaitable, Callable
from itertools import count

_WARM_UP = 1.0
_JOBS = 10_000


def name(number: int) -> str:
    """Return the id of one of the gateway's jobs."""
    return f"video_68f0a1b2c3d4e5f6{number % _JOBS:08}"


def cpu() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measured(ask: Callable[[str], Awaitable[object]]) -> None:
    """Call `ask` as often as it goes, so many times at once, on asyncio; print what it costs."""
    concurrency, seconds = int(sys.argv[2]), float(sys.argv[3])
    numbers = count()

    async def loop() -> None:
        while True:
            await ask(name(next(numbers)))

    tasks = [asyncio.create_task(loop()) for _ in range(concurrency)]
    await asyncio.sleep(_WARM_UP)
    before, first = cpu(), next(numbers)
    await asyncio.sleep(seconds)
    sys.stdout.write(f"{(cpu() - before) / (next(numbers) - first)}\n")
    for task in tasks:
        task.cancel()
