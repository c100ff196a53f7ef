"""CPU per request of a loop that is run many times at once, on asyncio or on trio."""

import asyncio
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import count

_WARM_UP = 1.0
_JOBS = 10_000

Ask = Callable[[str], Awaitable[object]]
Sleep = Callable[[float], Awaitable[object]]
Start = Callable[[Callable[[float], Awaitable[None]], float], object]


def name(number: int) -> str:
    """Return the id of one of the gateway's jobs, as long as OpenAI's."""
    return f"video_68f0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8{number % _JOBS:08}"


def cpu() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measured(ask: Ask) -> None:
    """Measure `ask` on asyncio; see `measured_with`."""
    tasks = []

    def start(loop: Callable[[float], Awaitable[None]], first: float) -> None:
        tasks.append(asyncio.ensure_future(loop(first)))

    await measured_with(ask, start, asyncio.sleep)
    for task in tasks:
        task.cancel()


async def measured_with(ask: Ask, start: Start, sleep: Sleep) -> None:
    """Call `ask` as often as it goes, so many times at once; print what a call costs.

    With a fourth argument above 0, each loop calls it once in so many seconds.
    """
    concurrency, seconds, every = int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    numbers = count()

    async def loop(first: float) -> None:
        due = time.monotonic() + first
        while True:
            if every:
                await sleep(max(due - time.monotonic(), 0))
                due += every
            await ask(name(next(numbers)))

    for number in range(concurrency):
        start(loop, every * number / concurrency)
    await sleep(_WARM_UP + 2 * every)
    before, first = cpu(), next(numbers)
    await sleep(seconds)
    sys.stdout.write(f"{(cpu() - before) / (next(numbers) - first)}\n")
    sys.stdout.flush()
