"""Watches of the control API: beside files and discovery, and what is refused."""

import pytest

from notifier.errors import ConflictError, UnknownError
from notifier.model.discovery import Fate, FoundJob, Mark
from notifier.model.video_ids import key_of, names_of
from notifier.model.views import WatchView
from notifier.model.watch import Callback
from notifier.store import Store
from tests.builders import START, Time, listing, memory_store, new_event, snapshot, spec

pytestmark = pytest.mark.usefixtures("each_engine")

KEY = spec().key
CALLBACK = Callback("https://callback.example/", "app")
MARK = Mark("url", has_baseline=True, walk=1)


async def discovered(time: Time | None = None) -> Store:
    """Return a store with a watch that discovery opened; its row is not the first."""
    store = memory_store(time or Time())
    await store.add_watch(spec("another"), again=False)
    names = names_of(KEY.video_id)
    job = FoundJob(key_of(KEY.video_id), names, None, Fate.TAKEN)
    (watch,) = await store.record_discovered(KEY.gateway, [job], 1, MARK)
    assert watch.key == KEY
    return store


async def view(store: Store) -> WatchView:
    found = await store.watch(KEY)
    assert found is not None
    return found


async def test_an_added_watch_is_fresh_and_has_its_callback() -> None:
    store = memory_store(Time())
    await store.add_watch(spec("another"), again=False)
    watch, created = await store.add_watch(spec(), again=False, callback=CALLBACK)
    assert (created, watch.fresh, watch.spec) == (True, True, spec())
    shown = await view(store)
    assert (shown.sources, shown.callback) == (["api"], CALLBACK)


async def test_a_watch_that_is_added_twice_is_the_same() -> None:
    store = memory_store(Time())
    first, _ = await store.add_watch(spec(generation=2), again=False, callback=CALLBACK)
    again, created = await store.add_watch(spec(), again=False, callback=CALLBACK)
    assert (again.row, again.spec, created) == (first.row, first.spec, False)


async def test_a_watch_of_a_file_has_the_api_as_a_second_source() -> None:
    store = memory_store(Time())
    await store.sync_watches([listing(spec(), source="a.toml")], [])
    _, created = await store.add_watch(spec(), again=False)
    assert not created
    assert (await view(store)).sources == ["a.toml", "api"]


@pytest.mark.parametrize(
    ("metadata", "callback"), [({"user": "7"}, None), ({}, CALLBACK), ({"user": "7"}, CALLBACK)]
)
async def test_an_open_watch_with_other_settings_is_refused_with_its_sources(
    metadata: dict[str, str], callback: Callback | None
) -> None:
    store = memory_store(Time())
    files = [listing(spec(), source=name) for name in ("b.toml", "a.toml")]
    await store.sync_watches(files, [])
    with pytest.raises(ConflictError, match=r"^main/video_1 is .* \(a\.toml, b\.toml\)$"):
        await store.add_watch(spec(metadata=metadata), again=False, callback=callback)
    assert (await view(store)).sources == ["a.toml", "b.toml"]


async def test_a_watch_that_discovery_opened_takes_the_settings_of_the_api() -> None:
    store = await discovered()
    wanted = spec(metadata={"user": "7"}, generation=4)
    watch, created = await store.add_watch(wanted, again=False, callback=CALLBACK)
    assert not created
    assert watch.spec == spec(metadata={"user": "7"})
    shown = await view(store)
    assert (shown.watch.spec, shown.sources, shown.callback) == (watch.spec, ["api"], CALLBACK)


async def test_an_ended_watch_is_returned_as_it_is() -> None:
    store = memory_store(Time())
    first, _ = await store.add_watch(spec(), again=False)
    await store.record_ending(first.row, new_event(), snapshot())
    watch, created = await store.add_watch(spec(), again=False)
    assert (watch.row, created) == (first.row, False)


async def test_a_watch_that_opens_again_has_the_callback_of_the_last_request_alone() -> None:
    store = memory_store(Time())
    await store.add_watch(spec(), again=False, callback=CALLBACK)
    await store.remove_watch(KEY)
    await store.add_watch(spec(), again=False)
    assert (await view(store)).callback is None


async def test_a_removed_watch_is_withdrawn_now() -> None:
    time = Time()
    store = await discovered(time)
    watch, _ = await store.add_watch(spec(), again=False)
    time.at += 60
    assert await store.remove_watch(KEY) == watch.row
    assert [each.key for each in await store.sync_watches([], [])] == [spec("another").key]
    assert (await view(store)).sources == []
    with pytest.raises(UnknownError, match="main/video_1 is not watched"):
        await store.remove_watch(KEY)


async def test_what_was_never_watched_cannot_be_removed() -> None:
    with pytest.raises(UnknownError, match="main/video_1 is not watched"):
        await memory_store(Time()).remove_watch(KEY)


async def test_an_ended_watch_cannot_be_removed() -> None:
    store = memory_store(Time())
    watch, _ = await store.add_watch(spec(), again=False)
    await store.record_ending(watch.row, new_event(), snapshot())
    with pytest.raises(ConflictError, match="main/video_1 has already ended"):
        await store.remove_watch(KEY)


async def test_a_watch_of_files_is_removed_there() -> None:
    store = memory_store(Time())
    files = [listing(spec(), source=name) for name in ("b.toml", "a.toml")]
    await store.sync_watches(files, [])
    await store.add_watch(spec(), again=False)
    message = r"^main/video_1 is listed in a\.toml, b\.toml: remove it there$"
    with pytest.raises(ConflictError, match=message):
        await store.remove_watch(KEY)
    assert (await view(store)).watch.taken_at == START
