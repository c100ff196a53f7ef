"""When the list is asked for, what a failure means, and what is committed."""

from collections.abc import Sequence

import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.errors import StoreError
from notifier.model.answer import PollError, Seen, Unauthorized
from notifier.model.condition import DiscoveryState, GatewayState
from notifier.model.discovery import FoundJob, Mark
from notifier.model.status import Status
from notifier.model.watch import Watch
from notifier.polling.poll_slot import PollSlot
from notifier.store import InlineExecutor, Store
from tests.builders import START, Time, memory_database, snapshot
from tests.discovery.gateways import INTERVAL, Gateway, discovering
from tests.discovery.lists import Job


def job(video_id: str, *, ended: bool = True, later: int = 0) -> Job:
    return Job(video_id, int(START + trio.current_time()) + later, ended)


async def test_a_quiet_gateway_is_asked_once_per_interval(autojump_clock: MockClock) -> None:
    gateway = Gateway()
    gateway.listed.jobs = [job(f"video_{n}", later=n) for n in range(250)]
    async with discovering(gateway) as found:
        first = len(gateway.pages())
        await trio.sleep(10 * INTERVAL)
        assert len(gateway.pages()) - first == 10
        assert found.discovery.condition().state is DiscoveryState.OK
    assert autojump_clock.current_time() < 300


async def test_a_quiet_gateway_whose_list_is_in_no_order_is_asked_twice_per_interval_at_most(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway()
    gateway.listed.unordered = True
    gateway.listed.jobs = [job(f"video_{n}", later=n) for n in range(950)]
    async with discovering(gateway) as found:
        first = len(gateway.pages())
        await trio.sleep(100 * INTERVAL)
        assert 150 < len(gateway.pages()) - first <= 200
        gateway.listed.jobs += [job(f"new_{n}") for n in range(20)]
        await trio.sleep(11 * INTERVAL)
        assert sorted(found.opened) == sorted(f"new_{n}" for n in range(20))
    assert autojump_clock.current_time() < 3000


async def test_a_page_that_pollers_read_postpones_the_next_look(autojump_clock: MockClock) -> None:
    gateway = Gateway()
    async with discovering(gateway) as found:
        for _ in range(6):
            await trio.sleep(INTERVAL * 0.75)
            page = await gateway.list_page(100, None)
            assert not isinstance(page, PollError | Unauthorized)
            found.discovery.page_was_read(None, page)
        gateway.listed.jobs.append(job("new"))
        page = await gateway.list_page(100, None)
        assert not isinstance(page, PollError | Unauthorized)
        found.discovery.page_was_read(None, page)
        await trio.sleep(0.1)
        assert found.opened == ["new"]
    assert len(gateway.pages()) == 1 + 6 + 1


async def test_the_page_of_a_look_answers_pollers_that_take_an_early_answer(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway()
    gateway.listed.jobs = [job("watched", ended=False)]
    async with discovering(gateway) as found:
        slot = PollSlot("watched")
        slot.earliest = trio.current_time() + INTERVAL / 2
        slot.due = trio.current_time() + 2 * INTERVAL
        found.scheduler.wait(slot)
        with trio.fail_after(1.5 * INTERVAL):
            await slot.park()
        answer = await found.scheduler.ask(slot)
        assert answer is not None
        assert not answer.single
    assert [what for _, what in gateway.asked].count("watched") == 1  # the confirmation


async def test_pages_of_discovery_answer_no_poller_of_a_gateway_that_is_not_to_be_polled_by_pages(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway()
    gateway.listed.jobs = [job("watched", ended=False)]
    async with discovering(gateway, lists="never") as found:
        slot = PollSlot("watched")
        slot.earliest = trio.current_time() + INTERVAL / 2
        slot.due = trio.current_time() + 2 * INTERVAL
        found.scheduler.wait(slot)
        await slot.park()
        answer = await found.scheduler.ask(slot)
        assert answer is not None
        assert answer.single


async def test_jobs_of_the_first_start_are_asked_about_once_and_alone(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway()
    gateway.listed.jobs = [job(f"video_{n}", ended=n % 2 == 0) for n in range(30)]
    gateway.answers["video_3"] = Seen(snapshot(Status.COMPLETED, "video_3"))
    async with discovering(gateway) as found:
        await trio.sleep(5 * INTERVAL)
        singles = [what for _, what in gateway.asked if not what.startswith("?")]
        assert sorted(singles) == sorted(f"video_{n}" for n in range(1, 30, 2))
        assert set(found.opened) == set(singles) - {"video_3"}
        assert found.discovery.has_settled


async def test_a_refused_key_is_not_asked_with_thousands_of_times(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway()
    gateway.listed.jobs = [job(f"video_{n}", ended=False) for n in range(90)]
    gateway.answers = {one.video_id: Unauthorized(401) for one in gateway.listed.jobs}
    async with discovering(gateway):
        await trio.sleep(10)
        assert len([what for _, what in gateway.asked if not what.startswith("?")]) < 30
        await trio.sleep(600)
        gateway.answers = {}
        await trio.sleep(3600)
    asked = {what for _, what in gateway.asked}
    assert {one.video_id for one in gateway.listed.jobs} <= asked


async def test_a_list_that_is_not_there_is_logged_once_and_asked_for_more_and_more_rarely(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(failures=[PollError("http_404", status=404)] * 10_000)
    with capture_logs() as logs:
        async with discovering(gateway) as found:
            await trio.sleep(6 * 3600)
            assert found.discovery.condition().state is DiscoveryState.NO_LIST
            assert found.discovery.has_settled
            assert found.scheduler.condition().state is GatewayState.OK
            assert 30 < len(gateway.pages()) < 60
            gateway.failures = []
            await trio.sleep(700)
            assert found.discovery.condition().state is DiscoveryState.OK
    assert [line["event"] for line in logs if line["event"].startswith("discovery")] == [
        "discovery_without_list",
        "discovery_began",
        "discovery_resumed",
    ]


async def test_a_gateway_that_is_down_is_failing_though_nothing_is_watched(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(failures=[PollError("connect", "refused")] * 10_000)
    async with discovering(gateway) as found:
        await trio.sleep(3600)
        assert found.discovery.condition().state is DiscoveryState.FAILING
        assert found.scheduler.condition().state is GatewayState.FAILING
        assert not found.discovery.has_settled


async def test_a_page_within_a_walk_is_tried_again(autojump_clock: MockClock) -> None:
    gateway = Gateway()
    gateway.listed.page_size = 5
    async with discovering(gateway) as found:
        gateway.listed.jobs = [job(f"video_{n}") for n in range(20)]
        await trio.sleep(INTERVAL - 1)
        passing = PollError("http_503", status=503)
        gateway.failures = []
        page = await gateway.list_page(100, None)
        assert not isinstance(page, PollError | Unauthorized)
        gateway.failures = [passing, passing]
        found.discovery.page_was_read(None, page)
        await trio.sleep(INTERVAL)
        assert len(found.opened) == 20


async def test_a_gateway_that_refuses_a_hundred_jobs_a_page_is_asked_for_twenty(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway(failures=[PollError("http_400", status=400)])
    async with discovering(gateway) as found:
        await trio.sleep(1)
        assert found.discovery.condition().state is DiscoveryState.OK
    assert gateway.asked[1][1] == "?limit=20&after=None"


async def test_a_key_that_is_refused_within_a_walk_does_not_end_the_list(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway()
    gateway.listed.page_size = 5
    async with discovering(gateway) as found:
        gateway.listed.jobs = [job(f"video_{n}") for n in range(20)]
        page = await gateway.list_page(100, None)
        assert not isinstance(page, PollError | Unauthorized)
        html = PollError("html", status=200)
        for failure in (Unauthorized(401), html, PollError("http_404", status=404)):
            gateway.failures = [failure] * 3
            found.discovery.page_was_read(None, page)
            await trio.sleep(1)
        assert len(found.opened) == 5
        gateway.failures = []
        await trio.sleep(5 * INTERVAL)
        assert len(found.opened) == 20


async def test_the_wait_that_a_gateway_asks_for_within_a_walk_is_bounded(
    autojump_clock: MockClock,
) -> None:
    gateway = Gateway()
    gateway.listed.page_size = 5
    async with discovering(gateway) as found:
        gateway.listed.jobs = [job(f"video_{n}") for n in range(20)]
        page = await gateway.list_page(100, None)
        assert not isinstance(page, PollError | Unauthorized)
        gateway.failures = [PollError("http_429", status=429, wait=1e9)]
        found.discovery.page_was_read(None, page)
        await trio.sleep(1000)
        assert len(found.opened) == 20


class _FailingStore(Store):
    """Refuses what discovery found, as often as a test says; keeps the size of what it took."""

    refusals = 0

    async def record_discovered(
        self, gateway: str, found: Sequence[FoundJob], walk: int, mark: Mark
    ) -> list[Watch]:
        self.sizes = [*getattr(self, "sizes", []), len(found)]
        if self.refusals:
            self.refusals -= 1
            raise StoreError("no space left")
        return await super().record_discovered(gateway, found, walk, mark)


async def test_what_the_store_refuses_is_found_again(autojump_clock: MockClock) -> None:
    gateway, store = Gateway(), _FailingStore(memory_database(), InlineExecutor(), Time())
    async with discovering(gateway, store=store) as found:
        store.refusals = 3
        gateway.listed.jobs = [job("new")]
        await trio.sleep(INTERVAL + 30)
        assert found.opened == ["new"]


async def test_ten_thousand_jobs_are_committed_a_bounded_number_at_a_time(
    autojump_clock: MockClock,
) -> None:
    gateway, store = Gateway(), _FailingStore(memory_database(), InlineExecutor(), Time())
    gateway.listed.page_size = 2_000
    async with discovering(gateway, store=store) as found:
        gateway.listed.jobs = [job(f"video_{n}") for n in range(10_000)]
        await trio.sleep(INTERVAL + 1)
        assert len(found.opened) == 10_000
        assert max(store.sizes) <= 500


async def test_ids_that_cannot_be_watched_are_left_out(autojump_clock: MockClock) -> None:
    gateway = Gateway()
    async with discovering(gateway) as found:
        gateway.listed.jobs = [job(".."), job("x" * 600), job("a\u202eb"), job("good")]
        await trio.sleep(INTERVAL + 1)
        assert found.opened == ["good"]
