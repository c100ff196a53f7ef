"""Discovery without a store and a network: a register that looks at a model of a list."""

from dataclasses import dataclass, field

from notifier.discovery.job_register import Bounds, JobRegister
from notifier.discovery.list_walk import MOST_PAGES, ListWalk
from notifier.gateway import ListedVideo
from notifier.model.discovery import DiscoveryRecord, Fate, Mark, StoredJob
from tests.discovery.lists import DAY, NOW, JobList

DAYS_BOUNDS = Bounds(DAY)
NO_MARK = Mark("url")


@dataclass
class Discoverer:
    """Looks at `listed`; `stored` is what a crash leaves, `taken` every job that was taken."""

    listed: JobList
    bounds: Bounds = DAYS_BOUNDS
    now: float = NOW
    statuses_count: bool = True
    stored: dict[str, StoredJob] = field(default_factory=dict)
    mark: Mark = NO_MARK
    taken: list[str] = field(default_factory=list)
    refused_walks: int = 0
    looks: int = 0
    reads_whole_at: int = 0
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget everything that is not stored."""
        record = DiscoveryRecord(self.mark, list(self.stored.values()), [])
        self.register = JobRegister(record)
        self.reads_whole_at = self.looks

    def look(self, *, dies_after: int | None = None) -> None:
        """Walk over the list once; `dies_after` so many pages, the process is killed."""
        whole = self.looks >= self.reads_whole_at
        walk = self.register.begin_walk(self.now, self.bounds, whole=whole)
        pages = 0
        while not walk.is_over:
            if pages == dies_after:
                self.restart()
                return
            pages += 1
            page = self.listed.page(walk.after)
            if page is None:
                walk.refused()
                self._end_refused(walk)
                videos: tuple[ListedVideo, ...] = ()
            else:
                videos = tuple(walk.read(page))
            self.seen.update(video.video_id for video in videos)
            self._commit(videos, walk)
        if walk.is_complete:
            self.refused_walks = 0
        if whole:
            self.reads_whole_at = self.looks + walk.pages
        self.looks += 1
        assert pages <= MOST_PAGES

    def _end_refused(self, walk: ListWalk) -> None:
        self.refused_walks += walk.is_over and not walk.is_complete
        if self.refused_walks >= 3:
            walk.end_here()

    def _commit(self, videos: tuple[ListedVideo, ...], walk: ListWalk) -> None:
        findings = self.register.examine(
            videos, walk, self.bounds, self.now, statuses_count=self.statuses_count
        )
        for job in findings.found:
            number = self.mark.walk + 1
            confirmed = job.fate is not Fate.UNCONFIRMED
            self.stored[job.key] = StoredJob(job.key, job.names, number, confirmed)
            if job.fate is Fate.TAKEN:
                self.taken.append(job.video_id)
        self.mark = findings.mark
        self.register.commit(findings)

    def confirm(self) -> None:
        """Ask about every unconfirmed job alone; take those that run."""
        ended = {job.video_id: job.ended for job in self.listed.jobs}
        for key, names in list(self.register.unconfirmed.items()):
            if not ended.get(names[0], True):
                self.taken.append(names[0])
            del self.register.unconfirmed[key]
            self.stored[key] = self.stored[key]._replace(confirmed=True)
