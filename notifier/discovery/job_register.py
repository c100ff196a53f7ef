"""The register of one gateway's jobs: which jobs of a page are new, and what they become. Pure.

A job is new when it is not known and not behind the mark. Until the first walk over the list is
complete, what is on the list is the baseline: jobs that are over give no event, and those that the
list calls running are asked about alone first. Once there is a baseline, every new job is watched.

Nothing changes here before the store has committed it: `examine` says what is to be committed, and
`commit` follows.
"""

from collections.abc import Sequence
from typing import NamedTuple

from notifier.discovery.known_jobs import KnownJobs
from notifier.discovery.list_order import Order
from notifier.discovery.list_walk import ListWalk
from notifier.gateway import ListedVideo
from notifier.model.discovery import DiscoveryRecord, Fate, FoundJob, Mark
from notifier.model.video_ids import key_of, names_of


class Bounds(NamedTuple):
    """How far back jobs are taken; in seconds.

    `since` takes jobs that are over when discovery begins, if they are younger than that; None
    takes none of them.
    """

    give_up_after: float
    since: float | None = None


class Findings(NamedTuple):
    """What one page brought, to be committed together: new jobs, and the mark after it."""

    found: Sequence[FoundJob]
    mark: Mark


class JobRegister:
    """What is known of one gateway's jobs; `unconfirmed` has those to ask about alone."""

    def __init__(self, record: DiscoveryRecord) -> None:
        self.mark = record.mark
        self._walk: ListWalk | None = None
        self._known = KnownJobs()
        settled = [job.key for job in record.jobs if job.walk <= record.mark.walk]
        self._known.add(settled, settled=True)
        self._known.add((job.key for job in record.jobs), settled=False)
        self._watched = KnownJobs()
        self._watched.add(map(key_of, record.watched), settled=True)
        self._has_unsettled = len(settled) < len(record.jobs)
        self.unconfirmed = {job.key: job.names for job in record.jobs if not job.confirmed}

    def __len__(self) -> int:
        return len(self._known)

    def begin_walk(self, now: float, bounds: Bounds, *, whole: bool) -> ListWalk:
        """Return a new walk over the list, a `whole` one if need be; `now` is in Unix seconds."""
        reach = bounds.give_up_after
        if not self.mark.has_baseline:
            reach = max(reach, bounds.since or 0.0)
        newest_first = self._walk is not None and self._walk.order is Order.NEWEST_FIRST
        self._walk = ListWalk(
            self._meets,
            now=now,
            reach=reach,
            tail=self.mark.tail,
            whole=whole,
            newest_first=newest_first,
        )
        return self._walk

    def examine(
        self,
        videos: Sequence[ListedVideo],
        walk: ListWalk,
        bounds: Bounds,
        now: float,
        *,
        statuses_count: bool,
    ) -> Findings:
        """Return what the jobs of a page mean, after `walk` has read it.

        `statuses_count` is False for a list whose statuses are not believed.
        """
        new: dict[str, FoundJob] = {}
        for video in videos:
            key = key_of(video.video_id)
            if key not in self._known and key not in new and not self._is_behind(video):
                ended = video.ended and statuses_count
                fate = self._fate(video._replace(ended=ended), walk, bounds, now)
                if fate is not Fate.KNOWN and key in self._watched:
                    fate = Fate.KNOWN
                new[key] = FoundJob(key, names_of(video.video_id), video.created_at, fate)
        found = list(new.values())
        return Findings(found, self._mark_after(videos, walk, has_new=bool(found)))

    def _fate(self, video: ListedVideo, walk: ListWalk, bounds: Bounds, now: float) -> Fate:
        created_at, until = video.created_at, self.mark.baseline_until
        if self.mark.has_baseline:
            return Fate.TAKEN
        if created_at is not None:
            is_later = until is not None and created_at > until and walk.may_be_newest_first
            if is_later or (bounds.since is not None and created_at > now - bounds.since):
                return Fate.TAKEN
            if created_at < walk.oldest:
                return Fate.KNOWN
        return Fate.KNOWN if video.ended else Fate.UNCONFIRMED

    def _mark_after(self, videos: Sequence[ListedVideo], walk: ListWalk, *, has_new: bool) -> Mark:
        oldest_first = walk.order is Order.OLDEST_FIRST
        mark = self.mark._replace(oldest_first=oldest_first, tail=walk.tail)
        is_head = walk.pages == 1 and walk.may_be_newest_first
        if is_head and not mark.has_baseline and mark.baseline_until is None:
            times = [video.created_at for video in videos if video.created_at is not None]
            mark = mark._replace(baseline_until=max(times, default=None))
        if walk.cut_at is not None:
            floor = walk.cut_at if mark.floor is None else max(mark.floor, walk.cut_at)
            mark = mark._replace(floor=floor)
        if walk.is_complete and (has_new or self._has_unsettled or not mark.has_baseline):
            mark = mark._replace(has_baseline=True, walk=mark.walk + 1)
        return mark

    def commit(self, findings: Findings) -> None:
        """Record what the store has committed."""
        for job in findings.found:
            if job.fate is Fate.UNCONFIRMED:
                self.unconfirmed[job.key] = job.names
        self._known.add((job.key for job in findings.found), settled=False)
        self._has_unsettled |= bool(findings.found)
        if findings.mark.walk > self.mark.walk:
            self._known.settle()
            self._has_unsettled = False
        self.mark = findings.mark

    def forget(self, keys: Sequence[str], floor: int | None) -> None:
        """Record that the store has removed old jobs, which are behind the mark now."""
        self._known.discard(keys)
        self.mark = self.mark._replace(floor=floor)

    def _meets(self, video: ListedVideo) -> bool:
        return self._is_behind(video) or self._known.is_settled(key_of(video.video_id))

    def _is_behind(self, video: ListedVideo) -> bool:
        floor = self.mark.floor
        return floor is not None and video.created_at is not None and video.created_at <= floor
