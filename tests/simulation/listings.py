"""The simulated files that list watches: three of them, edited, broken and mended.

A job is listed from its creation on. Some move from one file to another, some are taken off
the list for good, and now and then a file cannot be read for a while.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from notifier.model.watch import Listing, WatchKey, WatchSpec
from tests.simulation.gateway import Job, Span, within

FILES = ("config", "a.toml", "b.toml")


@dataclass
class Listings:
    """Which file lists what, when. `withdrawn` has when a job was taken off the list.

    No file lists the jobs in `unlisted`: discovery alone can find them.
    """

    rng: Random
    jobs: Iterable[Job]
    broken: dict[str, list[Span]]
    withdrawn: dict[str, float] = field(default_factory=dict)
    moved: dict[str, float] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)
    _homes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for job in self.jobs:
            self._homes[job.video_id] = (self.rng.choice(FILES), self.rng.choice(FILES))
            fate = self.rng.random()
            if fate < 0.1:
                self.moved[job.video_id] = job.at + self.rng.uniform(10, 600)
            elif fate < 0.15:
                self.withdrawn[job.video_id] = job.at + self.rng.uniform(10, 600)

    def changes(self) -> list[float]:
        """Return every moment at which a file changes, in order."""
        edges = [edge for spans in self.broken.values() for span in spans for edge in span]
        created = [job.at for job in self.jobs]
        return sorted({*created, *edges, *self.withdrawn.values(), *self.moved.values()})

    def at(self, now: float) -> list[Listing]:
        """Return what the files that can be read list now."""
        readable = [name for name in FILES if not within(self.broken[name], now)]
        return [Listing(name, tuple(self._specs(name, now))) for name in readable]

    def _specs(self, name: str, now: float) -> Iterable[WatchSpec]:
        never = float("inf")
        for job in self.jobs:
            before, after = self._homes[job.video_id]
            home = before if now < self.moved.get(job.video_id, never) else after
            if job.video_id in self.unlisted:
                continue
            if home == name and job.at <= now < self.withdrawn.get(job.video_id, never):
                yield WatchSpec(WatchKey("main", job.video_id))
