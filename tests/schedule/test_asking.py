from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.lesson import Lesson
from notifier.schedule.asking import FORECAST_SPREAD, next_gap, spread
from notifier.schedule.backoff import SPREAD
from notifier.schedule.course import Course
from notifier.schedule.lessons import ENOUGH, Lessons
from notifier.schedule.pace import Pace
from tests.schedule.classes import (
    CLASS,
    PACE,
    answers,
    course_of,
    paces,
    plain_lessons,
    progress,
    taught,
)

UNIFORM = [60.0 + i for i in range(120)]


@given(answers, taught, paces, st.floats(0, 1e12))
def test_a_gap_is_never_below_the_shortest_nor_above_the_longest(
    told: list[tuple[float, int | None, bool]], lessons: list[Lesson], pace: Pace, later: float
) -> None:
    course, elapsed = course_of(told)
    gap = next_gap(course, Lessons(pace, lessons), elapsed + later)
    assert pace.min_poll_interval <= gap <= pace.longest


@given(answers, taught)
def test_the_same_course_and_lessons_give_the_same_gap(
    told: list[tuple[float, int | None, bool]], lessons: list[Lesson]
) -> None:
    course, elapsed = course_of(told)
    step_by_step = Lessons(PACE)
    for lesson in lessons:
        next_gap(course, step_by_step, elapsed)
        step_by_step.learn(lesson)
    assert next_gap(course, step_by_step, elapsed) == next_gap(
        course_of(told)[0], Lessons(PACE, lessons), elapsed
    )


@given(answers, taught, st.sampled_from([0.125, 0.25, 0.5]))
def test_a_faster_gateway_is_asked_alike_on_its_own_scale(
    told: list[tuple[float, int | None, bool]], lessons: list[Lesson], scale: float
) -> None:
    course, elapsed = course_of(told)
    quick, sooner = course_of([(since * scale, *rest) for since, *rest in told])  # type: ignore[misc]
    scaled = Lessons(Pace(20 * scale, 5 * scale), [_scaled(lesson, scale) for lesson in lessons])
    gap = next_gap(course, Lessons(PACE, lessons), elapsed)
    assert next_gap(quick, scaled, sooner) == pytest.approx(gap * scale)


def _scaled(lesson: Lesson, scale: float) -> Lesson:
    return replace(
        lesson,
        duration=lesson.duration * scale,
        gap=lesson.gap * scale,
        readings=tuple((at * scale, said) for at, said in lesson.readings),
    )


@given(st.lists(progress, min_size=1, max_size=60), taught, st.floats(0, 5000))
def test_a_job_is_never_more_than_six_requests_ahead_whatever_its_progress_says(
    said: list[int | None], lessons: list[Lesson], began: float
) -> None:
    learned, course, now = Lessons(PACE, lessons), Course(), began
    for told in said:
        course.note(now, told)
        assert course.requests <= (now - began) / PACE.poll_interval + 6
        now += next_gap(course, learned, now)


@given(answers, taught, st.floats(0.1, 10), st.floats(1, 10))
def test_the_more_a_request_is_worth_the_longer_the_gap(
    told: list[tuple[float, int | None, bool]], lessons: list[Lesson], worth: float, times: float
) -> None:
    course, elapsed = course_of(told)
    learned = Lessons(PACE, lessons)
    learned.worth = worth
    gap = next_gap(course, learned, elapsed)
    learned.worth = worth * times
    # a gap is worked out to a few percent
    assert next_gap(course, learned, elapsed) > 0.93 * gap


@given(
    st.lists(st.floats(10, 500), min_size=ENOUGH, max_size=60),
    st.floats(0, 400),
    st.floats(0.2, 10),
)
def test_by_history_a_gap_costs_the_delay_that_a_request_is_worth(
    durations: list[float], elapsed: float, worth: float
) -> None:
    learned = plain_lessons(durations)
    learned.worth = worth
    gap = next_gap(Course(), learned, elapsed)
    ends = [end for end in learned.history.ends if end > elapsed]
    if not ends or gap in {PACE.min_poll_interval, PACE.longest}:
        return
    # what doubt adds to the delay makes gaps shorter than history alone would have them
    believed = 0.96 * len(ends) / (len(ends) + 3)
    assert believed * _delay(ends, elapsed + 0.93 * gap) <= worth


def _delay(ends: list[float], asked_at: float) -> float:
    return sum(max(asked_at - end, 0) for end in ends) / len(ends)


def test_without_history_and_progress_it_is_the_fixed_loop() -> None:
    course, new = Course(), Lessons(PACE)
    for elapsed in (0.0, 20.0, 40.0, 400.0):
        course.note(elapsed, None)
        assert next_gap(course, new, elapsed) == PACE.poll_interval
    assert spread(course, new) == SPREAD


def test_a_forecast_bears_less_jitter() -> None:
    course = Course()
    course.note(30, 20)
    assert spread(course, Lessons(PACE)) == FORECAST_SPREAD
    assert spread(Course(), plain_lessons(UNIFORM)) == FORECAST_SPREAD


def test_nothing_is_asked_while_nothing_can_happen() -> None:
    course = Course()
    course.note(0, None)
    assert 45 < next_gap(course, plain_lessons(UNIFORM), 0) < 80


def test_near_the_end_it_asks_closely() -> None:
    course, even = Course(), _even_lessons()
    course.note(0, 0)
    course.note(60, 50)
    assert 45 < next_gap(course, even, 60) < 65
    course.note(115, 95)
    assert next_gap(course, even, 115) < 12


def _even_lessons() -> Lessons:
    return Lessons(
        PACE,
        [
            Lesson(CLASS, end, readings=((end / 2, 50), (end * 0.95, 95)))
            for end in range(60, 180, 3)
        ],
    )


@pytest.mark.parametrize("said", [0, 50, 99, 100, None])
def test_a_stuck_job_is_asked_about_ever_more_rarely(said: int | None) -> None:
    for learned in (Lessons(PACE), plain_lessons(UNIFORM), _even_lessons()):
        course, now, gaps = Course(), 0.0, [0.0]
        while now < 24 * 3600:
            course.note(now, said)
            gaps.append(next_gap(course, learned, now))
            now += gaps[-1]
        assert course.requests < 0.12 * PACE.fixed_requests(24 * 3600)
        grown = gaps[-len(gaps) // 2 :]
        assert grown == sorted(grown)


def test_a_forecast_that_did_not_come_true_wears_off() -> None:
    course, even = Course(), _even_lessons()
    course.note(0, 0)
    course.note(15, 90)
    assert next_gap(course, even, 15) == PACE.min_poll_interval
    course.note(35, 90)
    assert next_gap(course, even, 35) > 1.5 * PACE.min_poll_interval


def test_a_watch_that_was_added_late_goes_on_from_its_age() -> None:
    course = Course()
    course.note(100, 80)
    assert 10 < next_gap(course, _even_lessons(), 100) < 35
    assert course.lesson(CLASS, 125, 5, complete=False).requests is None


def test_history_is_of_no_use_to_a_job_that_outlived_it() -> None:
    course = Course()
    course.note(200, None)
    learned = plain_lessons(UNIFORM)
    assert next_gap(course, learned, 200) < next_gap(course, learned, 2000) < inf
