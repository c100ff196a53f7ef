"""One class of jobs after the other, asked about by the real schedule and by a fixed loop."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from notifier.model.job_sample import JobClass
from notifier.schedule.class_history import SHARE, ClassHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.schedule.poll_policy import next_gap, spread
from notifier.schedule.progress_track import ProgressTrack
from tests.benchmarks.schedule.jobs import Job, make_job

PACE = PollIntervals(20.0, 5.0)


@dataclass(slots=True)
class Tally:
    """What was counted over jobs that ended, and of those that never did."""

    lags: list[float] = field(default_factory=list)
    fixed_lags: list[float] = field(default_factory=list)
    requests: int = 0
    fixed_requests: int = 0
    stuck_requests: int = 0
    stuck_fixed_requests: int = 0

    @property
    def lag(self) -> float:
        """Mean seconds from a job's end to the answer that tells it."""
        return sum(self.lags) / len(self.lags)

    @property
    def fixed_lag(self) -> float:
        """The same, of the fixed loop."""
        return sum(self.fixed_lags) / len(self.fixed_lags)

    @property
    def p95(self) -> float:
        """What 95 % of the lags are below."""
        return sorted(self.lags)[int(0.95 * len(self.lags))]

    @property
    def share(self) -> float:
        """Requests as a share of the fixed loop's."""
        return self.requests / self.fixed_requests

    @property
    def stuck_share(self) -> float:
        """The same, of the jobs that never end."""
        return self.stuck_requests / self.stuck_fixed_requests

    def count(self, job: Job, seen_at: float, requests: int) -> None:
        """Count a job that was asked about `requests` times, and the fixed loop's questions."""
        fixed = PACE.fixed_requests(job.duration)
        if job.stuck:
            self.stuck_requests += requests
            self.stuck_fixed_requests += fixed
            return
        rounds = math.ceil(job.duration / PACE.poll_interval)
        self.lags.append(seen_at - job.duration)
        self.fixed_lags.append(rounds * PACE.poll_interval - job.duration)
        self.requests += requests
        self.fixed_requests += fixed

    @classmethod
    def of(cls, tallies: Iterable["Tally"]) -> "Tally":
        """Return all of them in one."""
        total = cls()
        for tally in tallies:
            total.lags += tally.lags
            total.fixed_lags += tally.fixed_lags
            total.requests += tally.requests
            total.fixed_requests += tally.fixed_requests
            total.stuck_requests += tally.stuck_requests
            total.stuck_fixed_requests += tally.stuck_fixed_requests
        return total


@dataclass(frozen=True, slots=True)
class Scene:
    """A class of jobs: `counted` of them after `before` that only teach."""

    durations: str
    shape: str
    before: int
    counted: int
    share: float = SHARE
    stuck_share: float = 0.0

    def play(self, seed: int) -> Tally:
        """Ask about its jobs, one after the other."""
        name = f"{self.durations}/{self.shape}/{seed}"
        making, jitter = Random(f"jobs {name}"), Random(f"jitter {name}")
        samples, tally = ClassHistory(PACE, share=self.share), Tally()
        for number in range(self.before + self.counted):
            job = make_job(self.durations, self.shape, making, self.stuck_share)
            seen_at, requests = ask(job, samples, jitter)
            if number >= self.before:
                tally.count(job, seen_at, requests)
        return tally


def ask(job: Job, samples: ClassHistory, jitter: Random) -> tuple[float, int]:
    """Ask until the job has ended, and learn from it; return when that was seen, after how many.

    The first question comes at once, as for every new watch: only its answer tells the class.
    A stuck job teaches nothing, since its end is never seen.
    """
    track, now, before = ProgressTrack(), 0.0, 0.0
    while now < job.duration:
        progress, queued = job.at(now)
        track.note(now + job.early, progress, queued=queued)
        share = spread(track, samples)
        gap = next_gap(track, samples, now + job.early) * jitter.uniform(1 - share, 1 + share)
        before, now = now, now + max(gap, PACE.min_poll_interval)
    if not job.stuck:
        sample = track.sample(JobClass("sim"), now + job.early, now - before, complete=True)
        samples.learn(sample)
    return now, track.requests + 1
