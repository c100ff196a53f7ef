"""What the durations of jobs taught before a restart is known after it."""

from pathlib import Path

import trio

from notifier.app.assembly import assemble
from notifier.app.connections import Connections
from notifier.app.runtime import Runtime, Seams
from notifier.config import load
from notifier.metrics import Metrics
from notifier.model.job_sample import JobClass, JobSample
from notifier.schedule.clock import Clock
from notifier.schedule.poll_intervals import PollIntervals
from notifier.store import Database, InlineExecutor, Store
from tests.builders import Time, listing, new_event, snapshot, spec

CONFIG = """
[gateways.main]
base_url = "http://127.0.0.1:9/v1"
api_key = "sk-0123456789abcdef"

[endpoints.app]
url = "http://127.0.0.1:9/"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
"""
SORA = JobClass("main", "sora-2", "8", "1280x720")
INTERVALS = PollIntervals(20.0, 5.0)


async def test_what_jobs_taught_before_a_restart_is_known_after_it(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    config = load(path, {})
    clock = Clock(Time(), trio.current_time)

    def opened() -> Store:
        return Store(Database.open(tmp_path / "n.db", path), InlineExecutor(), clock.now)

    first = opened()
    watches = await first.sync_watches(
        [listing(*(spec(f"video_{number}") for number in range(20)))], []
    )
    for number, watch in enumerate(watches):
        sample = JobSample(SORA, 100.0 + number, 2.0, 6)
        assert await first.record_ending(
            watch.row, new_event(f"evt_{number}"), snapshot(), sample=sample
        )
    await first.close()

    second = opened()
    async with trio.open_nursery() as nursery:
        connections = Connections(nursery)
        parts = await assemble(config, Runtime(second, clock, Seams(), connections, Metrics()))
        history = parts.deps.history.of(SORA, INTERVALS)
        assert not history.new
        assert history.durations.median is not None
        assert 100 <= history.durations.median <= 120
        nursery.cancel_scope.cancel()
    await second.close()
