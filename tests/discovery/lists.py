"""A gateway's list as a model: jobs that come, end and go, shown as gateways show lists."""

import hashlib
from dataclasses import dataclass, field

from notifier.discovery.list_walk import ListPage
from notifier.gateway import ListedVideo

NOW = 1_760_000_000
DAY = 86_400.0


@dataclass(slots=True)
class Job:
    """A job on the list; `at` is its `created_at` by the gateway's clock."""

    video_id: str
    at: int | None
    ended: bool = False


@dataclass
class JobList:
    """`jobs` in order of creation, shown newest first unless `oldest_first` or `unordered`.

    `page_size` caps the limit. `says_more` gives `has_more`. Without `has_pages` the gateway
    ignores `after`. `lost_anchor` is what it does with an id that is not listed: refuse it, or
    show an empty page or the head. The newest `hidden` jobs are not shown yet. Each page of a
    gateway with `overlap` begins that many jobs early.
    """

    jobs: list[Job] = field(default_factory=list)
    oldest_first: bool = False
    unordered: bool = False
    page_size: int = 5
    says_more: bool = True
    has_pages: bool = True
    lost_anchor: str = "refuse"
    hidden: int = 0
    overlap: int = 0
    requests: int = 0

    def shown(self) -> list[Job]:
        visible = self.jobs[: len(self.jobs) - self.hidden]
        if self.unordered:
            return sorted(visible, key=_digest)
        return visible if self.oldest_first else visible[::-1]

    def page(self, after: str | None) -> ListPage | None:
        """Return the page after an id, None for a refusal."""
        self.requests += 1
        jobs = self.shown()
        first = 0
        if after is not None and self.has_pages:
            places = [place for place, job in enumerate(jobs) if job.video_id == after]
            if not places and self.lost_anchor == "refuse":
                return None
            if places:
                first = max(places[0] + 1 - self.overlap, 0)
            elif self.lost_anchor == "empty":
                first = len(jobs)
        here = jobs[first : first + self.page_size]
        more = first + self.page_size < len(jobs)
        videos = [ListedVideo(job.video_id, job.video_id, job.at, job.ended) for job in here]
        last = videos[-1].video_id if videos else None
        return ListPage(videos, more if self.says_more else None, last)


def _digest(job: Job) -> str:
    """Return what some gateways sort by: a name that says nothing about the time."""
    return hashlib.sha256(job.video_id.encode()).hexdigest()
