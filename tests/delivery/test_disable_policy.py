"""When an endpoint has failed for too long."""

import pytest

from notifier.delivery.disable_policy import DAY, after_failure, after_success, is_hopeless
from notifier.model.health import Health

SCHEDULE = (5.0, 86_400.0)
HOUR = 3600.0


def failing(every: float, duration: float, schedule: tuple[float, ...] = SCHEDULE) -> Health:
    health, now = Health("mark"), 0.0
    while now <= duration:
        health = after_failure(health, now, schedule)
        now += every
    return health


@pytest.mark.parametrize("every", [60.0, HOUR, DAY])
def test_five_days_without_a_success_are_enough(every: float) -> None:
    assert not is_hopeless(failing(every, 4.9 * DAY))
    assert is_hopeless(failing(every, 5 * DAY))


def test_a_success_starts_the_count_anew() -> None:
    health = after_success(failing(HOUR, 4 * DAY))
    assert health == Health("mark")
    assert not is_hopeless(after_failure(health, 6 * DAY, SCHEDULE))


def test_one_failure_a_month_is_not_a_month_of_failing() -> None:
    assert not is_hopeless(failing(30 * DAY, 365 * DAY))


def test_a_schedule_with_long_waits_is_not_taken_for_silence() -> None:
    assert is_hopeless(failing(7 * DAY, 8 * DAY, schedule=(7 * DAY,)))
