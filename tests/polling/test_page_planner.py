"""Which page the planner asks for: few pages for all, and every video answered in any case."""

from itertools import islice
from random import Random

import pytest

from tests.polling.planners import BROKEN, INTERVAL, REFUSED, Listed, ModelScheduler, names

HOUR = int(3600 / INTERVAL)


def watched(count: int, in_flight: int = 4, **how: object) -> tuple[Listed, ModelScheduler]:
    gateway = Listed(**how)  # type: ignore[arg-type]
    gateway.add(names(count))
    scheduler = ModelScheduler(gateway, in_flight=in_flight)
    ours = names(count)
    Random(count).shuffle(ours)
    scheduler.watch(ours)
    return gateway, scheduler


def end(gateway: Listed, scheduler: ModelScheduler, gone: list[str]) -> None:
    scheduler.leave(one for one in gone if one in scheduler.slots)
    gateway.delete(gone)


def anchors(scheduler: ModelScheduler) -> list[str]:
    """Return the ids that the last round's pages began after."""
    last = scheduler.asked[-1][0]
    return [after for at, after in scheduler.asked if at == last and after is not None]


@pytest.mark.parametrize("in_flight", [1, 8])
def test_pages_become_hardly_more_than_fit_them_all(in_flight: int) -> None:
    _, scheduler = watched(10_000, in_flight)
    *_, last = scheduler.rounds(4)
    # each chain ends with a page that is not full, and fewer than 10 are not worth looking for
    assert last <= 100 + in_flight + 10


def test_jobs_of_others_in_between_cost_the_pages_that_they_fill() -> None:
    gateway = Listed()
    gateway.add(names(10_000))
    scheduler = ModelScheduler(gateway)
    scheduler.watch(names(10_000)[::5])
    *_, last = scheduler.rounds(6)
    assert last <= 1.1 * 100


def test_thousands_of_new_jobs_at_the_head_leave_pages_as_they_were() -> None:
    gateway, scheduler = watched(2_000)
    *_, before = scheduler.rounds(4)
    gateway.add(names(5_000, first=2_000))
    *_, after = scheduler.rounds(4)
    assert after <= before + 10  # so few are not worth looking for


@pytest.mark.parametrize("lost_cursor", [REFUSED, "empty", "head"])
@pytest.mark.parametrize("count", [1, 5, 12])
def test_anchors_that_are_deleted_cost_no_more_than_their_own_videos(
    lost_cursor: str, count: int
) -> None:
    gateway, scheduler = watched(2_000, lost_cursor=lost_cursor)
    *_, before = scheduler.rounds(4)
    end(gateway, scheduler, anchors(scheduler)[:count])
    first, *later = scheduler.rounds(10)
    assert first <= before + 110 * count
    assert later[-1] <= before + 5


def test_a_gateway_that_ignored_after_for_a_while_is_paged_again() -> None:
    gateway, scheduler = watched(500)
    gateway.ignores_after = True
    *_, badly = scheduler.rounds(4)
    assert badly <= 1 + 400 + 1
    gateway.ignores_after = False
    *_, well = scheduler.rounds(HOUR)
    assert well <= 10


@pytest.mark.parametrize("fault", [REFUSED, BROKEN])
def test_lists_that_come_back_are_used_again(fault: str) -> None:
    gateway, scheduler = watched(500)
    list(scheduler.rounds(4))
    gateway.down = fault
    list(scheduler.rounds(10))
    gateway.down = None
    *_, last = scheduler.rounds(HOUR)
    assert last <= 10


def test_lists_that_stay_away_are_tried_ever_more_rarely() -> None:
    _, scheduler = watched(100, down=REFUSED)
    list(scheduler.rounds(12 * HOUR))
    assert scheduler.pages <= 8


def test_only_videos_watched_too_late_for_a_page_are_searched_for_again() -> None:
    _, scheduler = watched(300)
    list(scheduler.rounds(3))
    scheduler.gateway.add(names(50, first=300))
    scheduler.watch(names(50, first=300))
    assert list(islice(scheduler.rounds(2), 1, None)) <= [6]
