"""Which jobs of a list are taken: each sentence of the contract about mark, baseline and pages."""

import base64

import pytest

from notifier.discovery.job_register import Bounds
from notifier.discovery.list_walk import MOST_PAGES
from tests.discovery.lists import DAY, NOW, Job, JobList
from tests.discovery.looks import Discoverer


def jobs(count: int, *, first: int = 0, at: int = NOW, ended: bool = True) -> list[Job]:
    return [Job(f"video_{first + n}", at + n, ended) for n in range(count)]


def test_jobs_that_are_over_at_the_first_start_give_no_event() -> None:
    found = Discoverer(JobList(jobs(12)))
    found.look()
    found.confirm()
    assert found.taken == []
    assert found.mark.has_baseline


def test_jobs_that_run_at_the_first_start_are_taken_once_a_single_answer_says_so() -> None:
    found = Discoverer(JobList([*jobs(3), *jobs(2, first=3, at=NOW + 9, ended=False)]))
    found.look()
    assert found.taken == []
    found.confirm()
    assert sorted(found.taken) == ["video_3", "video_4"]


def test_a_job_whose_first_single_answer_is_terminal_belongs_to_the_baseline() -> None:
    stale = JobList([Job("video_1", NOW, ended=False)])
    found = Discoverer(stale)
    found.look()
    stale.jobs[0].ended = True
    found.confirm()
    assert found.taken == []


def test_a_list_whose_statuses_do_not_count_has_every_job_asked_about_alone() -> None:
    found = Discoverer(JobList(jobs(2)), statuses_count=False)
    found.look()
    assert len(found.register.unconfirmed) == 2


def test_discover_since_takes_jobs_that_are_over_and_younger_than_that() -> None:
    listed = JobList([Job("old", NOW - 7200, ended=True), Job("young", NOW - 3000, ended=True)])
    found = Discoverer(listed, Bounds(DAY, since=3600.0))
    found.look()
    assert found.taken == ["young"]


def test_a_job_that_was_created_and_ended_while_nobody_looked_is_taken() -> None:
    listed = JobList(jobs(3))
    found = Discoverer(listed)
    found.look()
    listed.jobs += jobs(20, first=3, at=NOW + 1000)
    found.restart()
    found.look()
    assert sorted(found.taken) == sorted(job.video_id for job in listed.jobs[3:])


def test_a_job_that_comes_while_the_first_walk_fails_again_and_again_is_taken() -> None:
    listed = JobList(jobs(12))
    found = Discoverer(listed)
    found.look(dies_after=1)
    listed.jobs += jobs(1, first=12, at=NOW + 1000)
    found.look()
    assert found.taken == ["video_12"]


def test_a_quiet_list_costs_one_page_a_look() -> None:
    listed = JobList(jobs(23), says_more=False)
    found = Discoverer(listed)
    found.look()
    before = listed.requests
    found.look()
    assert listed.requests == before + 1


@pytest.mark.parametrize("says_more", [True, False])
def test_a_list_that_is_oldest_first_costs_one_page_a_look(*, says_more: bool) -> None:
    listed = JobList(jobs(23), oldest_first=True, says_more=says_more)
    found = Discoverer(listed)
    found.look()
    before = listed.requests
    found.look()
    assert listed.requests == before + 1
    listed.jobs += jobs(1, first=23, at=NOW + 1000)
    found.look()
    assert found.taken == ["video_23"]


def test_jobs_that_come_before_and_between_known_ones_are_taken_from_a_list_in_no_order() -> None:
    # from the head down the first times rise by chance
    first = [Job("c", NOW + 30), Job("d", NOW + 40), Job("e", NOW + 50)]
    listed = JobList(first, oldest_first=True, says_more=False)
    found = Discoverer(listed)
    found.look()
    listed.jobs.insert(0, Job("a", NOW + 60))
    listed.jobs.insert(2, Job("b", NOW + 70))
    found.look()
    assert sorted(found.taken) == ["a", "b"]


@pytest.mark.parametrize("timed", [True, False])
def test_a_list_in_no_order_is_read_whole_at_most_as_often_as_doubles_the_requests(
    *, timed: bool
) -> None:
    made = jobs(100) if timed else [Job(f"video_{n}", None, ended=True) for n in range(100)]
    listed = JobList(made, unordered=True)
    found = Discoverer(listed)
    found.look()
    before = listed.requests
    for number in range(60):
        listed.jobs += [Job(f"later_{number}", NOW + 1000 + number if timed else None)]
        found.look()
    assert listed.requests - before <= 2 * 60 + 30
    for _ in range(40):
        found.look()
    assert sorted(found.taken) == sorted(f"later_{number}" for number in range(60))


def test_a_list_that_is_oldest_first_only_for_a_while_loses_no_job() -> None:
    listed = JobList(jobs(23), oldest_first=True)
    found = Discoverer(listed)
    found.look()
    assert found.mark.tail
    listed.jobs[:0] = jobs(7, first=23, at=NOW + 1000)
    for _ in range(8):
        found.look()
    assert len(found.taken) == 7


def test_a_list_in_no_order_that_ends_after_a_hundred_pages_has_no_old_job_taken() -> None:
    old = [Job(f"old_{n}", NOW - int(2 * DAY) + n, ended=True) for n in range(600)]
    listed = JobList([*old, *jobs(20)], unordered=True)
    found = Discoverer(listed)
    found.look()
    assert listed.requests == MOST_PAGES
    listed.jobs = [*old[300:], *jobs(3, first=20)]
    for _ in range(MOST_PAGES):
        found.look()
    assert sorted(found.taken) == ["video_20", "video_21", "video_22"]


def test_pages_go_back_until_they_meet_what_is_known() -> None:
    listed = JobList(jobs(100))
    found = Discoverer(listed)
    found.look()
    listed.jobs += jobs(12, first=100, at=NOW + 1000)
    before = listed.requests
    found.look()
    assert len(found.taken) == 12
    assert listed.requests - before == 3


def test_pages_go_back_at_most_to_give_up_after() -> None:
    old = [Job(f"old_{n}", NOW - int(2 * DAY) + n, ended=False) for n in range(50)]
    listed = JobList([*old, *jobs(3)], page_size=20)
    found = Discoverer(listed)
    found.look()
    found.confirm()
    assert found.taken == []
    assert listed.requests == 1


def test_a_walk_reads_at_most_a_hundred_pages() -> None:
    listed = JobList(jobs(MOST_PAGES * 5))
    found = Discoverer(listed)
    found.look()
    assert listed.requests == MOST_PAGES
    assert found.mark.has_baseline


def test_what_was_behind_the_mark_is_not_taken_when_all_known_jobs_are_deleted() -> None:
    old = [Job(f"old_{n}", NOW - int(2 * DAY) + n, ended=True) for n in range(50)]
    listed = JobList([*old, *jobs(3)])
    found = Discoverer(listed)
    found.look()
    listed.jobs = listed.jobs[:30]
    found.look()
    assert found.taken == []


def test_a_gateway_whose_clock_is_days_behind_is_read_all_the_same() -> None:
    listed = JobList(jobs(3, at=NOW - int(5 * DAY)))
    found = Discoverer(listed)
    found.look()
    listed.jobs += jobs(20, first=3, at=NOW - int(5 * DAY) + 1000)
    found.look()
    assert len(found.taken) == 20


def test_a_job_from_the_year_2100_hides_no_other() -> None:
    listed = JobList([*jobs(3), Job("bogus", 4_102_444_800, ended=True)])
    found = Discoverer(listed)
    found.look()
    listed.jobs += jobs(20, first=3, at=NOW + 1000)
    found.look()
    assert len(found.taken) == 20


def test_ids_that_differ_between_create_and_list_are_one_job() -> None:
    def encoded(model: str, inner: str, provider: str = "openai") -> str:
        text = f"litellm:custom_llm_provider:{provider};model_id:{model};video_id:{inner}"
        return "video_" + base64.b64encode(text.encode()).decode()

    listed = JobList(jobs(1))
    found = Discoverer(listed)
    found.look()
    listed.jobs.append(Job(encoded("a", "video_x"), NOW + 1))
    found.look()
    listed.jobs[-1] = Job(encoded("b", "video_x"), NOW + 1)
    found.look()
    listed.jobs[-1] = Job("video_x", NOW + 1)
    found.look()
    assert found.taken == [encoded("a", "video_x")]
    listed.jobs.append(Job(encoded("a", "video_x", "azure"), NOW + 2))
    found.look()
    assert len(found.taken) == 2
