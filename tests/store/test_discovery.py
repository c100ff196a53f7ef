"""What discovery finds is committed together, and who else lists a job counts for more."""

import base64
from collections.abc import Sequence

import pytest

from notifier.model.discovery import Fate, FoundJob, Mark
from notifier.model.video_ids import key_of, names_of
from notifier.model.watch import Watch, WatchKey
from notifier.store import Store
from notifier.store.discovery import BATCH
from tests.builders import START, Time, listing, memory_store, new_event, snapshot, spec
from tests.store.pruned import pruned

pytestmark = pytest.mark.usefixtures("each_engine")

MARK = Mark("url", has_baseline=True, walk=1)


def found(video_id: str, fate: Fate = Fate.TAKEN, created_at: int | None = None) -> FoundJob:
    return FoundJob(key_of(video_id), names_of(video_id), created_at, fate)


async def record(store: Store, *jobs: FoundJob, mark: Mark = MARK) -> Sequence[Watch]:
    return await store.record_discovered("main", jobs, 1, mark)


def encoded(model: str, inner: str) -> str:
    text = f"litellm:custom_llm_provider:openai;model_id:{model};video_id:{inner}"
    return "video_" + base64.b64encode(text.encode()).decode()


async def test_mark_and_jobs_are_there_again_after_a_restart() -> None:
    store = memory_store(Time())
    await record(store, found("a"), found("b", Fate.UNCONFIRMED), mark=Mark("url", tail=("b",)))
    again = await store.discovery("main", "url")
    assert again.mark == Mark("url", tail=("b",))
    assert [(job.key, job.confirmed) for job in again.jobs] == [("a", True), ("b", False)]


async def test_another_base_url_begins_an_epoch_without_any_job() -> None:
    store = memory_store(Time())
    await record(store, found("a"))
    anew = await store.discovery("main", "another")
    assert (anew.mark, anew.jobs) == (Mark("another", epoch=2), [])
    await record(store, found("b"), mark=anew.mark)
    assert await store.forget_earlier_discovered("main", 2) == 1
    assert [job.key for job in (await store.discovery("main", "another")).jobs] == ["b"]


async def test_a_job_is_watched_until_its_event_though_no_file_lists_it() -> None:
    store = memory_store(Time())
    (watch,) = await record(store, found("a"))
    assert watch.spec == spec("a")
    assert [each.key for each in await store.sync_watches([listing(spec("b"))], [])] == [
        watch.key,
        spec("b").key,
    ]


async def test_a_job_that_has_or_had_a_watch_is_not_taken() -> None:
    store = memory_store(Time())
    await store.sync_watches([listing(spec("open"), spec("withdrawn"))], [])
    await store.sync_watches([listing(spec("open"))], [])
    assert await record(store, found("open"), found("withdrawn")) == []
    assert (await store.watch(WatchKey("main", "open"))).sources == ["config"]  # type: ignore[union-attr]


async def test_an_unconfirmed_job_is_watched_once_a_single_answer_says_that_it_runs() -> None:
    store = memory_store(Time())
    jobs = [found("runs", Fate.UNCONFIRMED), found("over", Fate.UNCONFIRMED)]
    assert await record(store, *jobs) == []
    (watch,) = await store.confirm_discovered("main", 1, "runs", runs=True)
    assert watch.key.video_id == "runs"
    assert await store.confirm_discovered("main", 1, "over", runs=False) == []
    assert await store.confirm_discovered("main", 1, "runs", runs=True) == []
    assert all(job.confirmed for job in (await store.discovery("main", "url")).jobs)


async def test_the_last_other_source_withdraws_a_discovered_watch() -> None:
    store = memory_store(Time())
    await record(store, found("a"))
    await store.sync_watches([listing(spec("a", metadata={"order": "7"}), source="a.toml")], [])
    assert await store.sync_watches([], ["a.toml"]) == []


@pytest.mark.parametrize("created", ["a", encoded("alias", "a")])
async def test_a_watch_by_the_id_of_its_creation_takes_the_place_of_one_by_the_listed_id(
    created: str,
) -> None:
    for add in ("file", "api"):
        store = memory_store(Time())
        await record(store, found(encoded("deployment", "a")), found(encoded("deployment", "b")))
        if add == "file":
            await store.sync_watches([listing(spec(created))], [])
        else:
            await store.add_watch(spec(created), again=False)
        still_open = {watch.key.video_id for watch in await store.sync_watches([], [])}
        assert still_open == {created, encoded("deployment", "b")}


async def test_pruning_forgets_the_watch_and_discovery_remembers_the_job() -> None:
    time = Time()
    store = memory_store(time)
    (watch,) = await record(store, found("a"))
    assert await store.record_ending(watch.row, new_event(endpoints=()), snapshot())
    time.at += 1000
    await pruned(store, time.at)
    assert await store.watch(watch.key) is None
    assert [job.key for job in (await store.discovery("main", "url")).jobs] == ["a"]


async def test_old_jobs_are_removed_in_batches_and_are_behind_the_floor_then() -> None:
    store = memory_store(Time())
    jobs = [found(f"job-{n}", Fate.KNOWN, int(START) + n) for n in range(2 * BATCH)]
    for part in (jobs[:BATCH], jobs[BATCH:]):
        await record(store, *part)
    keys, floor = await store.forget_discovered("main", MARK, 100)
    assert (len(keys), floor) == (BATCH, int(START) + 2 * BATCH - 101)
    keys, floor = await store.forget_discovered("main", MARK._replace(floor=floor), 100)
    assert len(keys) == BATCH - 100
    again = await store.discovery("main", "url")
    assert (len(again.jobs), again.mark.floor) == (100, floor)
    assert await store.forget_discovered("main", again.mark, 100) == ([], floor)
