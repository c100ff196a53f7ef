"""What the schedule promises, on a few classes of made-up jobs; the benchmark plays many more."""

import pytest

from notifier.schedule.class_history import ClassHistory
from notifier.schedule.poll_policy import next_gap
from notifier.schedule.progress_track import ProgressTrack
from tests.benchmarks.schedule.jobs import DURATIONS, SMOOTH
from tests.benchmarks.schedule.simulation import PACE, Scene, Tally


def play(*scenes: Scene) -> Tally:
    return Tally.of(scene.play(seed=7) for scene in scenes)


def test_smooth_progress_is_seen_to_end_soon_for_fewer_requests() -> None:
    total = play(*(Scene("60-180 s", shape, 50, 100, share=0.64) for shape in SMOOTH))
    assert total.lag < 3
    assert total.p95 < 7
    assert total.share < 0.66


def test_lying_and_noisy_progress_still_beats_a_fixed_loop_twofold() -> None:
    total = play(*(Scene("60-180 s", shape, 50, 150) for shape in ("noisy", "lying")))
    assert total.lag < 5
    assert total.share < 1


def test_history_alone_halves_the_lag() -> None:
    total = play(*(Scene("60-180 s", "none", 100, 200) for _ in range(2)))
    assert total.lag < 6.2
    assert total.p95 < 15
    assert total.share < 1.02


@pytest.mark.parametrize("durations", DURATIONS)
def test_jumpy_progress_is_no_worse_than_a_fixed_loop(durations: str) -> None:
    total = play(Scene(durations, "jumpy", 0, 250))
    assert total.lag < total.fixed_lag
    assert total.share < 1.02


def test_stuck_jobs_cost_little_and_spoil_nothing() -> None:
    total = play(Scene("60-180 s", "even", 50, 150, stuck_share=0.05))
    assert total.stuck_share < 0.12
    assert total.lag < 3.5
    assert total.share < 1.02


def test_a_new_class_does_not_cost_more() -> None:
    scenes = [Scene(durations, shape, 0, 10) for durations in DURATIONS for shape in SMOOTH]
    total = play(*scenes)
    assert total.share < 1
    assert total.lag < total.fixed_lag / 2


@pytest.mark.parametrize("duration", [40.0, 50.0, 55.0, 75.0, 90.0])
@pytest.mark.parametrize("first", [1.5, 3.0, 4.5])
def test_the_first_job_of_a_class_with_even_progress_is_told_soon_for_no_more_requests(
    duration: float, first: float
) -> None:
    track, history, now = ProgressTrack(), ClassHistory(PACE), first
    while now < duration:
        track.note(now, int(100 * now / duration))
        now += next_gap(track, history, now)
    assert now - duration <= 8.5  # a fixed loop: 10 on average, 20 at most
    assert track.requests + 1 <= PACE.fixed_requests(duration) + 1
