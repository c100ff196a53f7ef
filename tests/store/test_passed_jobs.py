"""Jobs whose creation was passed through: settings of their own, and nothing is refused."""

import pytest

from notifier.model.watch import (
    DISCOVERY_SOURCE,
    PASSTHROUGH_SOURCE,
    Callback,
    WatchKey,
    WatchSpec,
    WatchState,
)
from notifier.store import Store
from notifier.store.queries import WatchFilter
from tests.builders import Time, memory_store
from tests.store.test_discovery import found, record

pytestmark = pytest.mark.usefixtures("each_engine")

KEY = WatchKey("main", "a")
CALLBACK = Callback("https://app.example/hook", "app")


def wanted(**metadata: str) -> WatchSpec:
    return WatchSpec(KEY, metadata=metadata)


async def sources(store: Store) -> list[str]:
    (view,) = await store.watches(WatchFilter())
    return list(view.sources)


async def test_it_is_watched_with_its_settings() -> None:
    store = memory_store(Time())
    watch, created = await store.add_passed(wanted(user="7"), CALLBACK)
    assert (created, watch.state, watch.spec.metadata) == (True, WatchState.OPEN, {"user": "7"})
    assert await sources(store) == [PASSTHROUGH_SOURCE]


async def test_its_settings_replace_those_of_discovery() -> None:
    store = memory_store(Time())
    await record(store, found("a"))
    assert await sources(store) == [DISCOVERY_SOURCE]
    watch, created = await store.add_passed(wanted(user="7"))
    assert (created, watch.spec.metadata) == (True, {"user": "7"})
    assert await sources(store) == [PASSTHROUGH_SOURCE]


async def test_what_the_api_has_set_stays_and_is_no_conflict() -> None:
    store = memory_store(Time())
    await store.add_watch(wanted(user="1"), again=False)
    watch, created = await store.add_passed(wanted(user="7"))
    assert (created, watch.spec.metadata) == (False, {"user": "1"})


async def test_what_was_removed_stays_removed() -> None:
    store = memory_store(Time())
    await store.add_passed(wanted())
    await store.remove_watch(KEY)
    watch, created = await store.add_passed(wanted())
    assert (created, watch.state) == (False, WatchState.WITHDRAWN)


async def test_discovery_does_not_take_it_again() -> None:
    store = memory_store(Time())
    await store.add_passed(wanted())
    assert await record(store, found("a")) == []
    assert await sources(store) == [PASSTHROUGH_SOURCE]
