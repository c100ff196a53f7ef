"""The jobs of a sandbox, and when each was retrieved."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from notifier.sandbox.jobs import Job

_MOST = 10_000


class JobStore:
    """Jobs by id, oldest first; the oldest are forgotten beyond 10,000.

    `on_forgotten` is called with the id of each job that is forgotten. Times are Unix seconds.
    """

    def __init__(self, on_forgotten: Callable[[str], None]) -> None:
        self._jobs: dict[str, Job] = {}
        self._retrievals: dict[str, int] = {}
        self._retrieved_at: dict[str, float] = {}
        self._on_forgotten = on_forgotten

    @property
    def all(self) -> Mapping[str, Job]:
        """Every job by its id, oldest first."""
        return MappingProxyType(self._jobs)

    def add(self, job: Job) -> None:
        """Keep a new job; one of the same id is replaced."""
        self._jobs[job.id] = job
        if len(self._jobs) > _MOST:
            self.forget(next(iter(self._jobs)))

    def get(self, job_id: str) -> Job | None:
        """Return a job, also one that its gateway has lost; None when there never was one."""
        return self._jobs.get(job_id)

    def alive(self, job_id: str, now: float) -> Job | None:
        """Return a job that its gateway still knows at `now`, or None."""
        job = self._jobs.get(job_id)
        return job if job is not None and job.status_at(now) is not None else None

    def retrieved(self, job_id: str, now: float) -> int:
        """Count a retrieval at `now`; return how many there have been."""
        self._retrieved_at[job_id] = now
        self._retrievals[job_id] = self._retrievals.get(job_id, 0) + 1
        return self._retrievals[job_id]

    def last_retrieved(self, job: Job) -> float:
        """Return when a job was last retrieved, or else created."""
        return self._retrieved_at.get(job.id, job.created_at)

    def forget(self, job_id: str) -> None:
        """Drop a job and all that is known of it."""
        for table in (self._jobs, self._retrievals, self._retrieved_at):
            table.pop(job_id, None)
        self._on_forgotten(job_id)
