"""A video that was seen on a page before it was watched is polled by that page."""

from notifier.polling.page_planner import PagePlanner
from notifier.polling.page_range import PageSightings
from notifier.polling.poll_slot import PollSlot


def test_a_video_is_polled_by_the_page_that_it_was_discovered_on() -> None:
    slots: dict[str, PollSlot] = {}
    planner = PagePlanner("auto", slots)
    assert planner.record_shared(["a", "b", "c"], "anchor", "c")
    for name in "abc":
        slots[name] = slot = PollSlot(name)
        slot.due = slot.earliest = 0.0
        slot.task = object()  # type: ignore[assignment]  # parked
        planner.add(slot)
    request = planner.plan(slots["b"], 1.0)
    assert request is not None
    assert (request.after, len(request.expected)) == ("anchor", 3)


def test_pages_that_are_off_locate_nothing() -> None:
    planner = PagePlanner("never", {})
    assert not planner.record_shared(["a"], "anchor", "a")


def test_sightings_are_bounded_and_the_first_counts() -> None:
    sightings = PageSightings()
    sightings.add(["a"], "first")
    sightings.add(["a", "b"], "second")
    assert sightings.take("a") == "first"
    assert sightings.take("a") is None
    sightings.add([str(n) for n in range(30_000)], "many")
    assert sightings.take("b") is None
    assert sightings.take("29999") == "many"
