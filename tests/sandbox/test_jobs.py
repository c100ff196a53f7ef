import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.status import Status
from notifier.sandbox.job_script import read_prompt
from notifier.sandbox.jobs import RESULT_LIFETIME, Ending, Job

BORN = 1_760_627_077.0


def job(ending: str = "completed", duration: float = 100, step: float = 5) -> Job:
    return Job("video_1", BORN, duration, step, Ending(ending), seconds="8", size="1280x720")


def progress(of: Job, age: float) -> int | None:
    seen = of.at(BORN + age)
    return None if seen is None else seen.progress


def test_a_job_is_queued_then_in_progress_then_completed() -> None:
    statuses = [job().status_at(BORN + age) for age in (0, 9.9, 10, 99.9, 100, 10_000)]
    assert statuses == [
        Status.QUEUED, Status.QUEUED, Status.IN_PROGRESS, Status.IN_PROGRESS,
        Status.COMPLETED, Status.COMPLETED,
    ]  # fmt: skip


def test_progress_moves_in_steps_and_is_100_only_at_the_end() -> None:
    ages = (5, 10, 14.9, 15, 19.9, 20, 55, 99, 100)
    assert [progress(job(), age) for age in ages] == [0, 0, 0, 5, 5, 11, 50, 94, 100]


def test_a_completed_job_tells_when_it_was_done_and_when_its_result_expires() -> None:
    seen = job().at(BORN + 500)
    assert seen is not None
    assert seen.completed_at == BORN + 100
    assert seen.expires_at == BORN + 100 + RESULT_LIFETIME


@pytest.mark.parametrize(
    ("ending", "status", "code"),
    [
        ("failed", Status.FAILED, "content_policy_violation"),
        ("expired", Status.FAILED, "expired"),
        ("cancelled", Status.CANCELLED, None),
    ],
)
def test_an_unsuccessful_job_carries_its_error(
    ending: str, status: Status, code: str | None
) -> None:
    seen = job(ending).at(BORN + 100)
    assert seen is not None
    assert seen.status is status
    assert (seen.error and seen.error.code) == code
    assert seen.completed_at is None


def test_a_lost_job_is_forgotten_half_way() -> None:
    assert progress(job("lost"), 49) is not None
    assert job("lost").at(BORN + 50) is None


def test_a_stuck_job_never_ends() -> None:
    seen = job("stuck").at(BORN + 1e9)
    assert seen is not None
    assert (seen.status, seen.progress) == (Status.IN_PROGRESS, 99)


@given(
    st.sampled_from(list(Ending)),
    st.floats(0.001, 1e5),
    st.floats(1e-3, 10),
    st.lists(st.floats(0, 1e6), min_size=2, max_size=10),
)
def test_progress_never_goes_back_while_a_job_runs(
    ending: Ending, duration: float, step: float, ages: list[float]
) -> None:
    subject = job(ending, duration, step)
    end = math.inf if subject.ended_at is None else subject.ended_at
    shown = [progress(subject, age) for age in sorted(ages) if BORN + age < end]
    assert all(value is not None and 0 <= value <= 99 for value in shown)
    assert shown == sorted(shown, key=lambda value: value or 0)


@pytest.mark.parametrize(
    ("prompt", "ending", "duration"),
    [
        ("a cat on a motorcycle", "completed", None),
        ("a cat [12s]", "completed", 12),
        ("[1.5s] this FAILS", "failed", 1.5),
        ("please cancel it, or fail", "cancelled", None),
        ("lose it", "lost", None),
        ("vanishing", "lost", None),
        ("it got stuck", "stuck", None),
        ("expired", "expired", None),
        ("close to the unfailing sea [s] [-1s] [99999999s]", "completed", None),
    ],
)
def test_words_in_a_prompt_choose_ending_and_duration(
    prompt: str, ending: str, duration: float | None
) -> None:
    script = read_prompt(prompt)
    assert (script.ending, script.duration) == (ending, duration)
