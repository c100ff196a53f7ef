import sys
from array import array

from hypothesis import given

from notifier.schedule.course import MOST_READINGS, Course
from tests.schedule.classes import CLASS, answers, course_of


def test_a_lesson_tells_when_progress_was_seen_and_what_it_cost() -> None:
    course = Course()
    course.note(0.04, None, queued=True)
    course.note(61.26, 40)
    course.note(80.0, None)
    course.note(91.0, 70)
    lesson = course.lesson(CLASS, 125.0, 5.0, complete=True)
    assert lesson.readings == ((0.0, 0), (61.3, 40), (91.0, 70))
    assert (lesson.duration, lesson.gap, lesson.requests) == (125.0, 5.0, 5)


def test_by_age_it_forecasts_from_the_end_of_the_queue() -> None:
    course = Course()
    course.note(40, None, queued=True)
    course.note(92.5, 50)
    assert 49 < course.forecast(5.0, by_speed=False) < 50
    assert not course.has_speed


def test_by_speed_it_forecasts_from_two_readings() -> None:
    course = Course()
    course.note(40, 10)
    course.note(70, 40)
    assert course.has_speed
    assert course.forecast(5.0, by_speed=True) == 60


def test_a_reading_that_repeats_or_hits_the_ceiling_moves_no_forecast() -> None:
    course = Course()
    for elapsed, said in ((50, 60), (60, 60), (70, 99), (80, 99), (90, 100)):
        course.note(elapsed, said)
        assert (course.anchor, course.anchor_at) == (60, 50)


def test_a_job_that_is_queued_again_begins_anew() -> None:
    course = Course()
    course.note(50, 60)
    course.note(70, 60, queued=True)
    assert course.anchor == 0


@given(answers)
def test_readings_are_bounded_and_in_order(told: list[tuple[float, int | None, bool]]) -> None:
    course, _ = course_of(told * 3)
    moments = [at for at, _ in course.lesson(CLASS, 1.0, 0.0, complete=True).readings]
    assert len(moments) <= MOST_READINGS
    assert moments == sorted(moments)


def test_a_course_is_small() -> None:
    course = Course()
    for turn in range(8):
        course.note(turn * 15.0, turn * 12)
    held = [getattr(course, name) for name in Course.__slots__]
    size = sum(sys.getsizeof(each) for each in held if isinstance(each, float | array))
    assert sys.getsizeof(course) + size < 400
