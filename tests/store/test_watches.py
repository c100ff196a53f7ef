"""The life of a watch, as its sources list it and stop listing it."""

import pytest
from structlog.testing import capture_logs

from notifier.model.status import Status
from notifier.model.watch import Observation, WatchSpec
from tests.builders import START, Time, listing, memory_store, new_event, snapshot, spec

pytestmark = pytest.mark.usefixtures("each_engine")


async def test_a_listed_watch_is_opened_once() -> None:
    store = memory_store(Time())

    first = await store.sync_watches([listing(spec())], [])
    again = await store.sync_watches([listing(spec())], [])

    assert [(w.key.video_id, w.fresh, w.taken_at) for w in first] == [("video_1", True, START)]
    assert [(w.row, w.fresh) for w in again] == [(first[0].row, False)]


async def test_the_same_watch_in_two_sources_is_one_watch() -> None:
    store = memory_store(Time())
    listings = [listing(spec()), listing(spec(), source="a.toml")]

    assert len(await store.sync_watches(listings, [])) == 1


async def test_a_watch_is_withdrawn_when_its_last_source_stops_listing_it() -> None:
    store = memory_store(Time())
    await store.sync_watches([listing(spec()), listing(spec(), source="a.toml")], [])

    assert len(await store.sync_watches([listing()], [])) == 1
    assert await store.sync_watches([listing()], ["a.toml"]) == []


async def test_a_source_that_is_neither_read_nor_gone_keeps_its_watches() -> None:
    store = memory_store(Time())
    await store.sync_watches([listing(), listing(spec(), source="a.toml")], [])

    assert len(await store.sync_watches([listing()], [])) == 1


async def test_a_withdrawn_watch_that_is_listed_again_has_its_deadline_anew() -> None:
    """It lives on in its row, with what is known of the video."""
    time = Time()
    store = memory_store(time)
    (watch,) = await store.sync_watches([listing(spec())], [])
    await store.save_observations([Observation(watch.row, snapshot(progress=40), START, 2)])
    await store.sync_watches([listing()], [])
    time.at += 100

    (again,) = await store.sync_watches([listing(spec())], [])

    assert again.fresh
    known = (again.row, again.spec.generation, again.snapshot)
    assert known == (watch.row, 1, snapshot(progress=40))
    assert (again.taken_at, again.first_taken_ms) == (START + 100, watch.first_taken_ms)


async def test_again_takes_the_next_generation_however_many_ended_or_were_withdrawn() -> None:
    store = memory_store(Time())
    for generation in range(1, 8):
        watch, created = await store.add_watch(spec(), again=generation > 1)
        assert (created, watch.spec.generation) == (True, generation)
        if generation % 2:
            event_id = f"evt_{generation}"
            assert await store.record_ending(watch.row, new_event(event_id), snapshot())
        else:
            await store.remove_watch(spec().key)


async def test_a_withdrawn_generation_after_an_ended_one_lives_on_when_it_is_added() -> None:
    time = Time()
    store = memory_store(time)
    first, _ = await store.add_watch(spec(), again=False)
    await store.record_ending(first.row, new_event(), snapshot())
    second, _ = await store.add_watch(spec(), again=True)
    await store.remove_watch(spec().key)
    time.at += 100

    watch, created = await store.add_watch(spec(metadata={"user": "7"}), again=False)

    assert (created, watch.row, watch.spec.generation) == (True, second.row, 2)
    assert (watch.taken_at, watch.spec.metadata) == (START + 100, {"user": "7"})


async def test_a_generation_that_is_asked_for_by_number_is_taken_after_a_lower_one_ended() -> None:
    store = memory_store(Time())
    first, _ = await store.add_watch(spec(), again=False)
    await store.record_ending(first.row, new_event(), snapshot())

    watch, created = await store.add_watch(spec(generation=5), again=False)
    assert (created, watch.spec.generation) == (True, 5)


async def test_not_found_answers_from_before_a_withdrawal_do_not_count_towards_lost() -> None:
    store = memory_store(Time())
    (watch,) = await store.sync_watches([listing(spec())], [])
    await store.save_observations([Observation(watch.row, None, START, 2)])
    await store.sync_watches([listing()], [])

    (again,) = await store.sync_watches([listing(spec())], [])

    assert (again.missing_since, again.missing_count) == (None, 0)


async def test_a_withdrawn_watch_starts_over_in_a_higher_generation() -> None:
    time = Time()
    store = memory_store(time)
    await store.sync_watches([listing(spec())], [])
    await store.sync_watches([listing()], [])
    time.at += 100

    (again,) = await store.sync_watches([listing(spec(generation=2))], [])

    assert (again.taken_at, again.snapshot) == (START + 100, None)


async def test_a_watch_that_ended_is_not_opened_again_by_the_file_that_still_lists_it() -> None:
    store = memory_store(Time())
    (watch,) = await store.sync_watches([listing(spec())], [])
    await store.record_ending(watch.row, new_event(), snapshot())

    assert await store.sync_watches([listing(spec())], []) == []
    assert await store.sync_watches([listing()], []) == []
    assert await store.sync_watches([listing(spec())], []) == []


async def test_a_higher_generation_watches_an_ended_video_again() -> None:
    store = memory_store(Time())
    (first,) = await store.sync_watches([listing(spec())], [])
    await store.record_ending(first.row, new_event(), snapshot())

    (second,) = await store.sync_watches([listing(spec(generation=2))], [])

    assert second.row != first.row
    assert await store.record_ending(second.row, new_event("evt_2"), snapshot())


async def test_a_higher_generation_of_an_open_watch_is_the_same_watch() -> None:
    store = memory_store(Time())
    (first,) = await store.sync_watches([listing(spec())], [])

    (second,) = await store.sync_watches([listing(spec(generation=2))], [])

    assert second.row == first.row
    assert second.spec.generation == 2


async def test_changed_settings_reach_the_open_watch() -> None:
    store = memory_store(Time())
    await store.sync_watches([listing(spec())], [])
    changed: WatchSpec = spec(metadata={"user": "7"}, endpoints=("app",), give_up_after=60.0)

    (watch,) = await store.sync_watches([listing(changed)], [])

    assert watch.spec == changed


async def test_the_last_observation_of_a_watch_survives() -> None:
    store = memory_store(Time())
    (watch,) = await store.sync_watches([listing(spec())], [])
    observed = snapshot(Status.IN_PROGRESS, model="sora-2", progress=45, extra={"x": [1, None]})

    await store.save_observations([Observation(watch.row, observed, START - 5, 2)])
    (again,) = await store.sync_watches([listing(spec())], [])

    assert again.snapshot == observed
    assert (again.missing_since, again.missing_count) == (START - 5, 2)


async def test_sources_that_list_something_are_known_by_name() -> None:
    store = memory_store(Time())
    await store.sync_watches([listing(), listing(spec(), source="a.toml")], [])

    assert await store.known_sources() == {"a.toml"}


async def test_a_lower_generation_left_in_another_file_changes_nothing() -> None:
    store = memory_store(Time())
    newer = spec(generation=2, metadata={"order": "new"})
    await store.sync_watches([listing(spec()), listing(newer, source="a.toml")], [])

    (watch,) = await store.sync_watches([listing(spec())], [])  # a.toml is broken now

    assert watch.spec == newer


async def test_a_withdrawn_generation_does_not_bring_an_ended_one_back() -> None:
    store = memory_store(Time())
    (first,) = await store.sync_watches([listing(spec())], [])
    await store.record_ending(first.row, new_event(), snapshot())
    await store.sync_watches([listing(spec(generation=2))], [])
    await store.sync_watches([listing()], [])

    assert await store.sync_watches([listing(spec())], []) == []
    assert len(await store.sync_watches([listing(spec(generation=2))], [])) == 1


async def test_a_file_that_lists_what_the_api_added_changes_no_settings() -> None:
    store = memory_store(Time())
    wanted = spec(endpoints=("app",), metadata={"user": "api"})
    watch, _ = await store.add_watch(wanted, again=False)
    with capture_logs() as logs:
        (open_watch,) = await store.sync_watches([listing(spec("video_1"))], [])
    assert open_watch.spec == watch.spec
    assert [line["event"] for line in logs] == ["watch_listed_with_other_settings"]
    (still,) = await store.sync_watches([listing()], [])
    assert still.spec == wanted
