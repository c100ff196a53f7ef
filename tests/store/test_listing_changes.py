"""What is different in some sources is applied to the watches, in bounded transactions."""

import pytest

from notifier.model.watch import ListingChange
from notifier.store.listings import MOST_CHANGES, batches
from tests.builders import START, Time, listing, memory_store, spec
from tests.store.pruned import pruned

pytestmark = pytest.mark.usefixtures("each_engine")


async def test_a_change_opens_updates_and_withdraws() -> None:
    time = Time()
    store = memory_store(time)
    kept, gone = await store.sync_watches([listing(spec("kept"), spec("gone"))], [])
    changed = spec("kept", metadata={"user": "7"})
    time.at += 60

    made = await store.change_watches(
        [ListingChange("config", (changed, spec("new")), (spec("gone").key,))]
    )

    assert [(each.key.video_id, each.fresh) for each in made.opened] == [("new", True)]
    assert [(each.row, each.spec) for each in made.updated] == [(kept.row, changed)]
    assert made.withdrawn == [gone.row]
    still = {each.key.video_id for each in await store.sync_watches([], [])}
    assert still == {"kept", "new"}


async def test_a_video_that_two_sources_begin_to_list_is_opened_once() -> None:
    store = memory_store(Time())
    twice = [ListingChange("a.toml", (spec(generation=2),)), ListingChange("b.toml", (spec(),))]

    made = await store.change_watches(twice)

    assert [each.spec for each in made.opened] == [spec(generation=2)]
    assert (await store.known_sources()) == {"a.toml", "b.toml"}
    assert [each.row for each in await store.sync_watches([], [])] == [made.opened[0].row]


async def test_a_watch_that_another_source_lists_is_not_withdrawn() -> None:
    store = memory_store(Time())
    await store.sync_watches([listing(spec()), listing(spec(), source="a.toml")], [])
    assert (await store.known_sources()) == {"config", "a.toml"}

    made = await store.change_watches([ListingChange("a.toml", removed=(spec().key,))])
    assert made.withdrawn == []
    assert (await store.known_sources()) == {"config"}

    made = await store.change_watches([ListingChange("config", removed=(spec().key,))])
    assert len(made.withdrawn) == 1
    assert await store.sync_watches([], []) == []


async def test_a_withdrawn_watch_shows_when_that_was() -> None:
    """Pruning counts its age from then."""
    time = Time()
    store = memory_store(time)
    await store.sync_watches([listing(spec())], [])
    time.at += 60
    await store.change_watches([ListingChange("config", removed=(spec().key,))])
    assert await pruned(store, START + 60) == (0, 0)
    assert await pruned(store, START + 61) == (0, 1)


async def test_watches_that_move_to_another_source_stay_open_however_many_they_are() -> None:
    store = memory_store(Time())
    specs = [spec(f"video_{number}") for number in range(MOST_CHANGES + 1)]
    before = await store.sync_watches([listing(*specs, source="a.toml")], [])
    keys = tuple(each.key for each in specs)

    made = await store.change_watches(
        [ListingChange("a.toml", removed=keys), ListingChange("b.toml", tuple(specs))]
    )

    assert (made.opened, made.withdrawn) == ([], [])
    assert {each.row for each in made.updated} == {each.row for each in before}


def test_batches_are_bounded_and_add_before_they_remove() -> None:
    key = spec("gone").key
    changes = [
        ListingChange("a", (spec("x"),), (key,)),
        ListingChange("b", (spec("y"), spec("z"))),
    ]
    assert list(batches(iter(changes), 3)) == [
        [
            ListingChange("a", (spec("x"),)),
            ListingChange("b", (spec("y"),)),
            ListingChange("b", (spec("z"),)),
        ],
        [ListingChange("a", removed=(key,))],
    ]
    assert len(next(batches([ListingChange("a", tuple([spec("x")] * (MOST_CHANGES + 1)))]))) == (
        MOST_CHANGES
    )
