"""What all parts of one run share: the store, time, randomness, connections and metrics."""

import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from notifier.app.connections import Connections
from notifier.cluster.trust import Trust
from notifier.metrics import Metrics
from notifier.model.event_id import random_event_id
from notifier.schedule.clock import Clock
from notifier.store import Store, ThreadExecutor
from notifier.store.executor import Executor
from notifier.wakeup import Wakeup

# one that goes on while the machine sleeps: work that came due meanwhile is done when it wakes
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_steady = partial(time.clock_gettime, _STEADY)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT_VARIABLE = "NOTIFIER_BOOT_ID"


def boot_id() -> str:
    """Return the id of this boot of the machine; "" where the system has none.

    Where the unit of the service hides the system's file, the service manager gives the same id.
    """
    with suppress(OSError):
        return _BOOT_ID.read_text("ascii").strip()
    with suppress(ValueError):
        return str(uuid.UUID(os.environ.get(_BOOT_VARIABLE, "")))
    return ""


@dataclass(frozen=True, slots=True)
class Seams:
    """Where a test can put its own time, randomness, ids and threads."""

    wall: Callable[[], float] = time.time
    steady: Callable[[], float] = _steady
    rng: Random = field(default_factory=Random)
    new_id: Callable[[], str] = lambda: random_event_id(time.time())
    boot: Callable[[], str] = boot_id
    executor: Callable[[], Executor] = ThreadExecutor


@dataclass(frozen=True, slots=True)
class Runtime:
    """Handed to every part as one value; `settled` is notified when a watch or delivery ends.

    `trust` says until when this instance may work, None if no other shares its store.
    """

    store: Store
    clock: Clock
    seams: Seams
    connections: Connections
    metrics: Metrics
    settled: Wakeup = field(default_factory=Wakeup)
    trust: Trust | None = None

    def may_work(self) -> bool:
        """Tell whether this instance may work at this moment."""
        return self.trust is None or self.trust.holds()
