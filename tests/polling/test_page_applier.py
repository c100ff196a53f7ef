"""Many videos per request: pages answer what they can, and the rest is asked about alone."""

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from notifier.polling.page_planner import Mode
from tests.polling.listing import INTERVAL, Item, ListingGateway, watching

TEN_MINUTES = 600.0


def names(count: int, first: int = 0) -> list[str]:
    return [f"video_{number:05}" for number in range(first, first + count)]


def gateway_with(count: int, **how: object) -> ListingGateway:
    gateway = ListingGateway(**how)  # type: ignore[arg-type]
    gateway.add(names(count))
    return gateway


async def requests_without_lists(count: int, seconds: float) -> int:
    gateway = gateway_with(count)
    async with watching(gateway, names(count), "never"):
        await trio.sleep(seconds)
    assert not gateway.pages
    return gateway.count()


async def test_pages_answer_hundreds_of_videos_with_a_few_requests(
    autojump_clock: MockClock,
) -> None:
    single_only = await requests_without_lists(500, TEN_MINUTES)
    gateway = gateway_with(500)
    began = trio.current_time()
    async with watching(gateway, names(500)) as watchers:
        await trio.sleep(TEN_MINUTES)
        assert gateway.count() < single_only / 20
        for times in watchers.answered.values():
            gaps = [later - earlier for earlier, later in pairwise(times)]
            assert times[0] - began < 1.5 * INTERVAL
            assert min(gaps) >= 5
            assert max(gaps) < 2 * INTERVAL


async def test_who_was_found_on_a_page_is_hardly_ever_asked_alone_again(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(500)
    async with watching(gateway, names(500)):
        await trio.sleep(120)
        before = len(gateway.asked)
        await trio.sleep(TEN_MINUTES)
    single_only = [what for _, what in gateway.asked[before:] if not what.startswith("?")]
    # of 15,000 answers: two in a poll interval, which compare the list with single answers
    assert len(single_only) < 2 * TEN_MINUTES / INTERVAL + 5


async def test_jobs_that_others_have_in_between_do_no_harm(autojump_clock: MockClock) -> None:
    gateway = gateway_with(3000)
    ours = names(3000)[::5]
    async with watching(gateway, ours) as watchers:
        await trio.sleep(120)
        since, before = trio.current_time(), gateway.count()
        gateway.add(names(500, first=3000))
        await trio.sleep(TEN_MINUTES)
        seconds = trio.current_time() - since
        # 30 pages hold them all; asked alone it would be 600 every 20 s
        assert gateway.count() - before < 3 * 35 * seconds / INTERVAL
        assert all(
            times[-1] > trio.current_time() - 2 * INTERVAL for times in watchers.answered.values()
        )


async def test_a_page_ends_nothing_its_word_is_checked_alone_and_at_once(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(200)
    async with watching(gateway, names(200)) as watchers:
        await trio.sleep(120)
        done = {"id": "video_00007", "status": "completed", "progress": 100, "size": "1x1"}
        gateway.jobs["video_00007"] = done
        await trio.sleep(2 * INTERVAL)
        assert [what for _, what in gateway.asked].count("video_00007") >= 1
        (terminal_state,) = watchers.endings
        assert terminal_state.snapshot.size == "1x1"
        assert [what for _, what in gateway.asked][-1] != "video_00007"


async def test_a_list_that_lies_about_an_end_ends_nothing(autojump_clock: MockClock) -> None:
    def lie(items: list[Item]) -> list[Item]:
        return [item | {"status": "completed"} for item in items]

    gateway = gateway_with(100, spoil=lie)
    async with watching(gateway, names(100)) as watchers:
        await trio.sleep(TEN_MINUTES)
        assert watchers.endings == []
        assert len(watchers.answered) == 100


def _unnamed(items: list[Item]) -> list[Item]:
    return [item | {"id": f"other_{item['id']}"} for item in items]


def _without_status(items: list[Item]) -> list[Item]:
    return [{"id": item["id"]} for item in items]


def _empty(items: list[Item]) -> list[Item]:
    return items[:0]


def _repeated(items: list[Item]) -> list[Item]:
    return items + items


BAD: dict[str, dict[str, object]] = {
    "ids of its own": {"spoil": _unnamed},
    "no status": {"spoil": _without_status},
    "nothing in it": {"spoil": _empty},
    "everything twice": {"spoil": _repeated},
    "not found": {"refuse": lambda _: 404},
    "forbidden": {"refuse": lambda _: 403},
    "in trouble": {"refuse": lambda _: 503},
    "no after": {"refuse": lambda query: 400 if "after" in query else None},
    "after is ignored": {"ignores_after": True},
    "pages of one": {"most": 1},
    "pages of seven": {"most": 7},
    "limit of twenty": {"refuse": lambda query: 400 if int(query["limit"]) > 20 else None},
}


@pytest.mark.parametrize("how", BAD)
@pytest.mark.parametrize("mode", ["auto", "always"])
async def test_lists_that_are_bad_cost_little_and_delay_nobody(
    mode: Mode, how: str, autojump_clock: MockClock
) -> None:
    single_only = await requests_without_lists(150, 300)
    gateway = gateway_with(150, **BAD[how])
    began = trio.current_time()
    async with watching(gateway, names(150), mode) as watchers:
        await trio.sleep(300)
        for times in watchers.answered.values():
            assert times[0] - began < 1.5 * INTERVAL
            assert times[-1] > trio.current_time() - 2 * INTERVAL
    if mode == "auto":
        assert gateway.count() <= 1.03 * single_only + 10
    assert len(gateway.pages) < single_only


async def test_what_refuses_lists_is_asked_for_them_ever_more_rarely(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(50, refuse=lambda _: 404)
    async with watching(gateway, names(50)):
        await trio.sleep(3 * 3600)
    tries = [at for at, what in gateway.asked if what.startswith("?")]
    waits = [later - earlier for earlier, later in pairwise(tries)]
    assert 600 <= waits[0] < 700
    assert waits == sorted(waits)
    assert 4 <= len(tries) <= 6


async def test_lists_that_leave_progress_out_are_not_believed_when_single_answers_have_it(
    autojump_clock: MockClock,
) -> None:
    def bare(items: list[Item]) -> list[Item]:
        return [{name: item[name] for name in ("id", "object", "status")} for item in items]

    gateway = gateway_with(100, spoil=bare)
    for job in gateway.jobs.values():
        job["progress"] = 40
    async with watching(gateway, names(100)) as watchers:
        await trio.sleep(TEN_MINUTES)
        assert len(gateway.pages) < 40
        assert all(len(times) > 10 for times in watchers.answered.values())


async def test_one_video_alone_is_asked_about_alone_unless_lists_are_always_wanted(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(1)
    async with watching(gateway, names(1)):
        await trio.sleep(TEN_MINUTES)
    assert not gateway.pages
    async with watching(gateway, names(1), "always"):
        await trio.sleep(TEN_MINUTES)
    assert len(gateway.pages) > 20


async def test_videos_that_are_deleted_are_found_missing_alone(autojump_clock: MockClock) -> None:
    gateway = gateway_with(300)
    async with watching(gateway, names(300)):
        await trio.sleep(120)
        for number in (5, 150, 250, 299):
            gateway.jobs[f"video_{number:05}"]["status"] = "cancelled"
        listed = dict(gateway.jobs)
        gateway.spoil = lambda items: [item for item in items if item["status"] != "cancelled"]
        since = trio.current_time()
        await trio.sleep(2 * INTERVAL)
        asked = {what for at, what in gateway.asked if at >= since}
        assert {"video_00005", "video_00150", "video_00250", "video_00299"} <= asked
        assert listed == gateway.jobs


async def test_after_a_start_with_very_many_watches_the_chains_find_their_pages(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(6_000)
    async with watching(gateway, names(6_000), rate=100) as watchers:
        await trio.sleep(60)
        since, before = trio.current_time(), gateway.count()
        await trio.sleep(60)
        seconds = trio.current_time() - since
        # 60 pages hold them all, so that each is answered once in 20 s
        assert gateway.count() - before < 3 * 60 * seconds / INTERVAL
        assert all(times[-1] > since for times in watchers.answered.values())


async def test_news_on_a_page_are_stored_and_what_was_known_already_is_not(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(100)
    async with watching(gateway, names(100)) as watchers:
        await trio.sleep(120)
        watchers.saved.clear()
        await trio.sleep(TEN_MINUTES)
        assert watchers.saved == []
        gateway.jobs["video_00007"]["status"] = "queued"
        await trio.sleep(2 * INTERVAL)
        assert [snapshot.word for snapshot in watchers.saved if snapshot] == ["queued"]


async def test_a_poller_that_crashes_on_its_answer_does_not_stop_others_on_the_page(
    autojump_clock: MockClock,
) -> None:
    gateway = gateway_with(100)
    async with watching(gateway, names(100)) as watchers:
        await trio.sleep(120)
        watchers.crash("video_00007")
        since = trio.current_time()
        await trio.sleep(TEN_MINUTES)
        for name, times in watchers.answered.items():
            assert name == "video_00007" or max(map(_gap, pairwise(times))) < 2 * INTERVAL
        # its own task applied that answer, and it goes on
        assert sum(at > since for at in watchers.answered["video_00007"]) > 10


def _gap(pair: tuple[float, float]) -> float:
    return pair[1] - pair[0]
