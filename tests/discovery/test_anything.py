"""Whatever a list does: every job that was on it is taken exactly once, and the baseline never."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.discovery.lists import DAY, NOW, Job, JobList
from tests.discovery.looks import Discoverer

_MOST_JOBS = 90
"""Fewer than a hundred pages hold, even if each brings a single new job."""


class AnyList(RuleBasedStateMachine):
    """A list, good or bad, and a discoverer that is killed at any moment.

    `skew` is how far the gateway's clock is from ours. Jobs come one at a time and by the dozen,
    some in the same second, and end whenever they want. Anchors are deleted between two looks and
    under a walk.
    """

    @initialize(
        listed=st.builds(
            JobList,
            oldest_first=st.booleans(),
            unordered=st.booleans(),
            page_size=st.sampled_from([3, 7]),
            says_more=st.booleans(),
            lost_anchor=st.sampled_from(["refuse", "empty", "head"]),
            overlap=st.sampled_from([0, 0, 1]),
        ),
        timed=st.booleans(),
        skew=st.sampled_from([0, -3 * DAY, 3 * DAY, 10 * DAY]),
        before=st.lists(st.booleans(), max_size=20),
    )
    def begin(self, listed: JobList, timed: bool, skew: float, before: list[bool]) -> None:
        self.listed = listed
        self.timed, self.skew, self.now, self.made = timed, skew, float(NOW), 0
        self.baseline: dict[str, bool] = {}
        for ended in before:
            self._make(ended=ended, apart=60)
        self.baseline = {job.video_id: job.ended for job in self.listed.jobs}
        self.found = Discoverer(self.listed, now=self.now)
        for _ in range(2):
            self.found.look()
        self.found.confirm()

    def _make(self, *, ended: bool, apart: int) -> None:
        self.now += apart
        at = int(self.now + self.skew) if self.timed else None
        self.listed.jobs.append(Job(f"video_{self.made}", at, ended))
        self.made += 1

    @rule(count=st.integers(1, 30), ended=st.booleans(), apart=st.sampled_from([0, 1, 400]))
    def jobs_come(self, count: int, ended: bool, apart: int) -> None:
        for _ in range(min(count, _MOST_JOBS - self.made)):
            self._make(ended=ended, apart=apart)

    @rule(place=st.integers(0, 1000))
    def a_job_ends(self, place: int) -> None:
        if self.listed.jobs:
            self.listed.jobs[place % len(self.listed.jobs)].ended = True

    @rule(count=st.integers(1, 8), place=st.integers(0, 1000))
    def jobs_are_deleted_between_two_looks(self, count: int, place: int) -> None:
        seen = [job for job in self.listed.jobs if job.video_id in self.found.seen]
        for job in seen[place % (len(seen) or 1) :][:count]:
            self.listed.jobs.remove(job)

    @rule(hidden=st.integers(0, 3))
    def the_list_lags(self, hidden: int) -> None:
        self.listed.hidden = hidden

    @rule()
    def it_looks(self) -> None:
        self.found.now = self.now
        self.found.look()

    @rule(pages=st.integers(0, 6))
    def it_is_killed_while_it_looks(self, pages: int) -> None:
        self.found.now = self.now
        self.found.look(dies_after=pages)

    @rule()
    def it_starts_again(self) -> None:
        self.found.restart()

    @rule(hours=st.integers(1, 20))
    def time_passes(self, hours: int) -> None:
        self.now += hours * 3600

    @invariant()
    def no_job_is_taken_twice(self) -> None:
        assert len(set(self.found.taken)) == len(self.found.taken)

    @invariant()
    def nothing_that_was_over_at_the_first_start_is_taken(self) -> None:
        assert not [one for one in self.found.taken if self.baseline.get(one)]

    def teardown(self) -> None:
        self.listed.hidden = 0
        self.found.now = self.now
        for _ in range(_MOST_JOBS):  # until a list of any order was read whole again
            self.found.look()
        missed = [job.video_id for job in self.listed.jobs if self._is_missed(job)]
        assert missed == []

    def _is_missed(self, job: Job) -> bool:
        if job.video_id in self.found.taken or job.video_id in self.baseline:
            return False
        times = [each.at for each in self.listed.jobs if each.at is not None]
        newest = min(max(times, default=0), self.now)
        return job.at is None or job.at > newest - DAY


AnyList.TestCase.settings = settings(max_examples=300, stateful_step_count=25, deadline=None)
TestAnyList = AnyList.TestCase
