"""Whose fault a refusal is: the verdicts, the decision, and the videos that are not refused."""

from collections.abc import Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs
from trio.testing import MockClock

from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.polling import GatewayScheduler
from notifier.polling.auth import KeyEvidence, KeyVerdict, is_key_refused, key_verdict
from tests.builders import snapshot
from tests.polling.schedulers import Gateway, ask, make_scheduler, rules

INTERVAL = 20.0
SEEN, REFUSED = Seen(snapshot()), Unauthorized(403, "You do not have access to this video")


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Seen(snapshot()), "accepted"),
        (NotFound("no such video"), "accepted"),
        (PollError("no_video", status=200), "accepted"),
        (PollError("other_id", status=200), "accepted"),
        (Unauthorized(401), "refused"),
        (Unauthorized(403), "refused"),
        (Unauthorized(400, "No connected db."), "refused"),
        (PollError("html", status=200), "unknown"),
        (PollError("html", status=401), "unknown"),
        (PollError("html", status=403), "unknown"),
        (PollError("empty", status=200), "unknown"),
        (PollError("broken_json", status=200), "unknown"),
        (PollError("redirected", status=300), "unknown"),
        (PollError("http_400", status=400), "unknown"),
        (PollError("http_404", status=404), "unknown"),
        (PollError("http_429", status=429), "unknown"),
        (PollError("http_500", status=500), "unknown"),
        (PollError("connect"), "unknown"),
    ],
)
def test_what_an_answer_says_about_the_key(answer: Answer, verdict: str) -> None:
    assert key_verdict(answer) is KeyVerdict(verdict)


@pytest.mark.parametrize(
    ("open_videos", "good", "refused", "good_refused", "seconds", "is_refused"),
    [
        (0, 0, 0, 0, 0, False),
        (1, 0, 0, 0, 0, False),
        (1, 0, 1, 0, 0, True),
        (3, 0, 2, 0, 600, False),
        (3, 3, 3, 3, 0, True),
        (12, 0, 6, 0, 600, False),
        (100, 0, 19, 0, 600, False),
        (100, 0, 20, 0, 1, False),
        (100, 0, 20, 0, 5, True),
        # those that the key was good for have not been asked about since
        (100, 1, 50, 0, 600, False),
        (100, 1, 50, 1, 600, True),
        (100, 60, 50, 19, 600, False),
        (100, 60, 50, 20, 600, True),
    ],
)
def test_when_refusals_show_that_the_key_is_refused(
    open_videos: int, good: int, refused: int, good_refused: int, seconds: float, is_refused: bool
) -> None:
    evidence = KeyEvidence(open_videos, good, refused, good_refused, seconds)
    assert is_key_refused(evidence) is is_refused


class Polled:
    """Polls videos every `INTERVAL`, refused ones with backoff, and keeps when each was seen."""

    def __init__(self, scheduler: GatewayScheduler) -> None:
        self.scheduler = scheduler
        self.seen: dict[str, list[float]] = {}

    async def poll(self, video_id: str, *, first: float = 0.0) -> None:
        refusals, wait = 0, first
        while True:
            answer = await ask(self.scheduler, video_id, due_in=wait)
            if isinstance(answer, Seen):
                self.seen.setdefault(video_id, []).append(trio.current_time())
                refusals = 0
            else:
                refusals += 1
            wait = min(INTERVAL * 2 ** max(refusals - 1, 0), 300)


def run(videos: Sequence[str], gateway: Gateway, seconds: float) -> tuple[Polled, list[Any]]:
    """Poll `videos`, in that order, for a while; return when each was seen, and the logs."""

    async def live() -> tuple[Polled, list[Any]]:
        async with trio.open_nursery() as nursery:
            with capture_logs() as logs:
                polled = Polled(make_scheduler(nursery, gateway, rate=100))
                for place, video_id in enumerate(videos):
                    nursery.start_soon(lambda v, p: polled.poll(v, first=p / 100), video_id, place)
                await trio.sleep(seconds)
            nursery.cancel_scope.cancel()
        return polled, list(logs)

    return trio.run(live, clock=MockClock(autojump_threshold=0))


def assert_punctual(polled: Polled, videos: Sequence[str], seconds: float, late: float) -> None:
    for video_id in videos:
        moments = [0.0, *polled.seen.get(video_id, []), seconds]
        gaps = [after - before for before, after in pairwise(moments)]
        assert max(gaps) <= INTERVAL + late, f"{video_id} waited {max(gaps)} s"


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 45), st.integers(1, 15), st.randoms(use_true_random=False))
def test_with_some_videos_refused_the_others_are_as_punctual_as_without_them(
    refused: int, good: int, random: Random
) -> None:
    videos = [f"foreign_{number}" for number in range(refused)]
    videos += [f"good_{number}" for number in range(good)]
    random.shuffle(videos)
    gateway = Gateway()
    gateway.answers = {video: REFUSED for video in videos if video.startswith("foreign")}
    polled, _ = run(videos, gateway, 300)
    assert_punctual(polled, [v for v in videos if v.startswith("good")], 300, late=12)


@pytest.mark.parametrize(("refused", "good"), [(1, 1), (2, 1), (6, 2), (6, 6), (19, 3)])
@pytest.mark.parametrize("refused_first", [True, False])
def test_a_gateway_that_answers_some_videos_is_not_paused(
    refused: int, good: int, refused_first: bool
) -> None:
    foreign = [f"foreign_{number}" for number in range(refused)]
    ours = [f"good_{number}" for number in range(good)]
    gateway = Gateway()
    gateway.answers = dict.fromkeys(foreign, REFUSED)
    videos = foreign + ours if refused_first else ours + foreign
    polled, logs = run(videos, gateway, 900)
    assert logs == []
    assert_punctual(polled, ours, 900, late=1)


def test_the_key_of_one_upstream_dies_and_recovers_and_the_others_notice_nothing() -> None:
    class Upstreams(Gateway):
        async def retrieve(self, video_id: str) -> Answer:
            dead = video_id.startswith("a_") and 100 < trio.current_time() < 1000
            self.answers[video_id] = Unauthorized(401) if dead else SEEN
            return await super().retrieve(video_id)

    videos = [f"{name}_{number}" for number in range(8) for name in "ab"]
    polled, logs = run(videos, Upstreams(), 1600)
    assert logs == []
    assert_punctual(polled, [v for v in videos if v.startswith("b_")], 1600, late=1)
    # the first to be answered again brings the others back
    first = min(at for v, ats in polled.seen.items() for at in ats if v[0] == "a" and at > 1000)
    assert first < 1310


def test_a_dead_key_is_noticed_and_when_it_is_good_again_all_go_on_within_two_minutes() -> None:
    class Dying(Gateway):
        async def retrieve(self, video_id: str) -> Answer:
            self.answer = Unauthorized(401) if 100 < trio.current_time() < 2000 else SEEN
            return await super().retrieve(video_id)

    videos = [f"video_{number}" for number in range(60)]
    gateway = Dying()
    polled, logs = run(videos, gateway, 2200)
    assert [line["event"] for line in logs] == ["gateway_paused", "gateway_resumed"]
    during = [at for at, _ in gateway.asked if 200 < at < 2000]
    assert len(during) < 35
    for moments in polled.seen.values():
        assert any(2000 < at < 2000 + 120 for at in moments)


@pytest.mark.parametrize("videos", [["only"], ["a", "b"]])
@pytest.mark.parametrize("others", [REFUSED, PollError("timeout")])
def test_the_last_video_in_the_queue_is_probed_on_while_the_key_is_dead(
    videos: list[str], others: Answer
) -> None:
    class Dying(Gateway):
        async def retrieve(self, video_id: str) -> Answer:
            now = trio.current_time()
            first = REFUSED if not any(at > 200 for at, _ in self.asked) else others
            self.answers[video_id] = first if 200 < now < 2000 else SEEN
            return await super().retrieve(video_id)

    gateway = Dying()
    polled, _ = run(videos, gateway, 2400)
    assert len([at for at, _ in gateway.asked if 500 < at < 2000]) >= 5
    for video_id in videos:
        assert any(2000 < at < 2000 + 320 for at in polled.seen[video_id])


def test_web_pages_with_403_pause_nothing() -> None:
    gateway = Gateway()
    gateway.answers = {"a": PollError("html", "a web page", status=403)}
    polled, logs = run(["a", "b"], gateway, 200)
    assert logs == []
    assert_punctual(polled, ["b"], 200, late=1)


async def test_a_changed_key_is_tried_at_once_for_videos_that_were_set_aside(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    gateway, renewed = Gateway(), Gateway()
    gateway.answers = {"refused": REFUSED}
    scheduler = make_scheduler(nursery, gateway)
    await ask(scheduler, "good")
    await ask(scheduler, "refused")

    async def much_later() -> None:
        await ask(scheduler, "refused", due_in=300)

    async with trio.open_nursery() as pollers:
        pollers.start_soon(much_later)
        await trio.sleep(10)
        scheduler.change(renewed, rules(10))
    assert trio.current_time() < 11
    assert renewed.asked[0][1] == "refused"
