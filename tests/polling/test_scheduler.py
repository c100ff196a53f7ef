"""The scheduler pauses a gateway that refuses the key, and loses no watch by it."""

from collections import Counter

import pytest
import trio
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from tests.builders import snapshot
from tests.polling.schedulers import Gateway, ask, make_scheduler, rules


async def test_a_refused_key_stops_all_requests_but_the_first_about_each_video_and_slow_probes(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway = Gateway()
    gateway.answer = Unauthorized(401)
    scheduler = make_scheduler(nursery, gateway)
    answers: list[Answer] = []

    async def poll(video_id: str) -> None:
        answers.append(await ask(scheduler, video_id))

    with capture_logs() as logs:
        async with trio.open_nursery() as pollers:
            assert isinstance(await ask(scheduler, "video_0"), Unauthorized)
            for number in range(50):
                pollers.start_soon(poll, f"video_{number}")
            await trio.sleep(600)
            during = len(gateway.asked)
            gateway.answer = Seen(snapshot())

    assert 51 + 9 <= during <= 51 + 13
    assert len(answers) == 50
    assert all(isinstance(answer, Seen) for answer in answers)
    loud = [line["event"] for line in logs if line["log_level"] == "error"]
    assert loud == ["gateway_paused"]
    assert [line["event"] for line in logs].count("gateway_resumed") == 1


async def test_a_watch_past_its_deadline_gets_the_refusal(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Gateway()
    gateway.answer = Unauthorized(401)
    scheduler = make_scheduler(nursery, gateway)
    ended: list[tuple[str, float]] = []

    async def poll(video_id: str, deadline: float) -> None:
        answer = await ask(scheduler, video_id, deadline)
        assert isinstance(answer, Unauthorized)
        ended.append((video_id, trio.current_time()))

    await ask(scheduler, "first")
    async with trio.open_nursery() as pollers:
        pollers.start_soon(poll, "over", trio.current_time() + 200)
        pollers.start_soon(poll, "also over", trio.current_time() + 200)
        pollers.start_soon(ask, scheduler, "still open")
        await trio.sleep(400)
        pollers.cancel_scope.cancel()

    assert sorted(video for video, _ in ended) == ["also over", "over"]
    assert all(200 <= at <= 210 for _, at in ended)
    # each by a refusal of its own
    assert {video for at, video in gateway.asked if 200 <= at <= 210} == {"also over", "over"}


async def test_another_poller_makes_the_probe_when_the_probing_one_is_stopped(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway = Gateway()
    gateway.answer = Unauthorized(401)
    scheduler = make_scheduler(nursery, gateway)
    async with trio.open_nursery() as pollers:
        pollers.start_soon(ask, scheduler, "first")
        pollers.start_soon(ask, scheduler, "second")

    async with trio.open_nursery() as pollers:
        with trio.CancelScope() as stopped:
            pollers.start_soon(ask, scheduler, "second")
            stopped.deadline = trio.current_time() + 10
            await ask(scheduler, "first")
        gateway.answer = Seen(snapshot())
    at, video_id = gateway.asked[-1]
    assert video_id == "second"
    assert 50 < at < 75


@pytest.mark.parametrize(
    ("answer", "resumes"),
    [
        (Seen(snapshot()), True),
        (NotFound("no such video"), True),
        (PollError("other_id", status=200), True),
        (PollError("http_500", status=500), False),
        (PollError("http_429", status=429), False),
        (PollError("connect"), False),
        (PollError("html", status=200), False),
        (PollError("html", status=403), False),
        (PollError("http_400", status=400), False),
    ],
)
async def test_only_an_answer_that_looked_at_the_key_ends_the_pause(
    answer: Answer, resumes: bool, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Gateway()
    gateway.answer = Unauthorized(401)
    scheduler = make_scheduler(nursery, gateway)
    await ask(scheduler, "a")
    gateway.answer = answer

    with trio.move_on_after(65) as waited:
        await ask(scheduler, "a")

    assert waited.cancelled_caught is not resumes


async def test_an_unknown_status_word_is_logged_once(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway = Gateway()
    gateway.answer = Seen(snapshot(None, word="flummoxed"))
    scheduler = make_scheduler(nursery, gateway)

    with capture_logs() as logs:
        for _ in range(3):
            await ask(scheduler, "a")

    assert [line["word"] for line in logs] == ["flummoxed"]


async def test_thousands_of_videos_behind_a_dead_key_are_asked_about_once_and_slowly(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway = Gateway()
    gateway.answer = Unauthorized(401)
    scheduler = make_scheduler(nursery, gateway, rate=10)

    async with trio.open_nursery() as pollers:
        for number in range(2000):
            pollers.start_soon(ask, scheduler, f"video_{number}")
        await trio.sleep(600)
        pollers.cancel_scope.cancel()

    # 50 until it is sure, 100 quickly, then one a second
    assert 600 < len(gateway.asked) < 750
    assert len({video for _, video in gateway.asked}) > 600


async def test_ten_thousand_overdue_watches_behind_a_dead_key_end_within_hours(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway = Gateway()
    gateway.answer = Unauthorized(401)
    scheduler = make_scheduler(nursery, gateway, rate=10)
    ended: dict[str, float] = {}

    async def overdue(video_id: str) -> None:
        while not ended.get(video_id):
            await ask(scheduler, video_id, deadline=0)
            ended[video_id] = trio.current_time()

    async with trio.open_nursery() as pollers:
        for number in range(10_000):
            pollers.start_soon(overdue, f"video_{number}")

    assert len(ended) == 10_000
    assert max(ended.values()) < 3 * 3600
    assert {video for _, video in gateway.asked} == ended.keys()
    paces = Counter(int(at) for at, _ in gateway.asked if at > 60)
    assert max(paces.values()) <= 3  # with a probe


async def test_videos_that_the_key_may_not_see_never_starve_the_others(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway = Gateway()
    gateway.answers = {f"foreign_{number}": Unauthorized(403) for number in range(4)}
    scheduler = make_scheduler(nursery, gateway)
    answered: dict[str, float] = {}

    async def foreign(video_id: str) -> None:
        while True:
            await ask(scheduler, video_id)
            await trio.sleep(20)

    async def good(video_id: str) -> None:
        assert isinstance(await ask(scheduler, video_id), Seen)
        answered[video_id] = trio.current_time()

    async with trio.open_nursery() as pollers:
        for video_id in gateway.answers:
            pollers.start_soon(foreign, video_id)
        await trio.sleep(30)
        began = trio.current_time()
        async with trio.open_nursery() as waiting:
            for number in range(5):
                waiting.start_soon(good, f"good_{number}")
        pollers.cancel_scope.cancel()

    assert len(answered) == 5
    assert max(answered.values()) - began < 20


async def test_late_answers_to_requests_from_before_a_pause_do_not_end_it(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    class Revoked(Gateway):
        """Accepts the key for the first second, and answers those requests slowly."""

        async def retrieve(self, video_id: str) -> Answer:
            began = trio.current_time()
            self.asked.append((began, video_id))
            if began < 1:
                await trio.sleep(len(self.asked) % 7)
                return Seen(snapshot())
            await trio.sleep(0.05)
            return Unauthorized(401) if began < 200 else Seen(snapshot())

    gateway = Revoked()
    scheduler = make_scheduler(nursery, gateway, rate=20)

    async def poll(video_id: str) -> None:
        while trio.current_time() < 200 or isinstance(
            await ask(scheduler, video_id), Unauthorized
        ):
            await ask(scheduler, video_id)
            await trio.sleep(20)

    with capture_logs() as logs:
        async with trio.open_nursery() as pollers:
            for number in range(100):
                pollers.start_soon(poll, f"video_{number}")

    assert [line["event"] for line in logs] == ["gateway_paused", "gateway_resumed"]


async def test_a_changed_key_ends_the_pause_at_once_and_the_old_one_begins_none(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway, renewed = Gateway(), Gateway()
    gateway.answer = Unauthorized(401)
    scheduler = make_scheduler(nursery, gateway)
    answers: list[Answer] = []

    async def poll(video_id: str) -> None:
        answers.append(await ask(scheduler, video_id))

    with capture_logs() as logs:
        async with trio.open_nursery() as pollers:
            await ask(scheduler, "first")
            for number in range(20):
                pollers.start_soon(poll, f"video_{number}")
            await trio.sleep(30)
            scheduler.change(renewed, rules(10))
            began = trio.current_time()

    assert trio.current_time() - began <= 5
    assert len(renewed.asked) == 20
    assert all(isinstance(answer, Seen) for answer in answers)
    assert [line["event"] for line in logs] == ["gateway_paused"]


async def test_a_refusal_of_the_key_of_before_is_no_refusal_of_the_new_one(
    autojump_clock: MockClock,
    nursery: trio.Nursery,
) -> None:
    gateway, renewed = Gateway(), Gateway()
    gateway.answer, gateway.takes = Unauthorized(401), 5
    scheduler = make_scheduler(nursery, gateway)

    with capture_logs() as logs:
        async with trio.open_nursery() as pollers:
            pollers.start_soon(ask, scheduler, "first")
            await trio.sleep(1)
            scheduler.change(renewed, rules(10))

    assert logs == []
    assert isinstance(await ask(scheduler, "second"), Seen)
