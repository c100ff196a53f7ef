"""Running one seed to its verdict."""

import logging
import sys
from collections.abc import Callable
from unittest.mock import patch

import structlog
import trio
from trio.testing import MockClock

from notifier.delivery import lane
from tests.simulation.checker import Verdict, check
from tests.simulation.daemon import Simulation
from tests.simulation.world import World


def _schedule_by(seed: int) -> None:
    """Let the seed decide in which order trio runs tasks that are ready at the same time."""
    trio_run = sys.modules["trio._core._run"]
    vars(trio_run)["_ALLOW_DETERMINISTIC_SCHEDULING"] = True
    vars(trio_run)["_r"].seed(seed)


def simulate(
    seed: int, *, days: float = 5.0, plant: Callable[[Simulation], None] = lambda _: None
) -> Verdict:
    """Live one seed's life and judge it; `plant` may put a bug into the daemon."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    world = World(seed, days)
    simulation = Simulation(world)
    plant(simulation)
    _schedule_by(seed)
    try:
        # a lane that nobody wakes looks again every minute; over years that is all it would do
        with patch.object(lane, "_LONGEST_PAUSE", 3600.0):
            trio.run(simulation.run, clock=MockClock(autojump_threshold=0))
        return check(world, simulation.database)
    finally:
        simulation.database.close()
        structlog.reset_defaults()
