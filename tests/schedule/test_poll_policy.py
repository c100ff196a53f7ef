from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.job_sample import JobSample
from notifier.schedule.backoff import SPREAD
from notifier.schedule.class_history import ENOUGH, ClassHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.schedule.poll_policy import FORECAST_SPREAD, next_gap, spread
from notifier.schedule.progress_track import ProgressTrack
from tests.schedule.classes import (
    CLASS,
    PACE,
    answers,
    paces,
    plain_history,
    progress,
    sample_lists,
    track_of,
)

UNIFORM = [60.0 + i for i in range(120)]


@given(answers, sample_lists, paces, st.floats(0, 1e12))
def test_a_gap_is_never_below_the_shortest_nor_above_the_longest(
    said: list[tuple[float, int | None, bool]],
    samples: list[JobSample],
    pace: PollIntervals,
    later: float,
) -> None:
    track, elapsed = track_of(said)
    gap = next_gap(track, ClassHistory(pace, samples), elapsed + later)
    assert pace.min_poll_interval <= gap <= pace.longest


@given(answers, sample_lists)
def test_the_same_track_and_samples_give_the_same_gap(
    said: list[tuple[float, int | None, bool]], samples: list[JobSample]
) -> None:
    track, elapsed = track_of(said)
    step_by_step = ClassHistory(PACE)
    for sample in samples:
        next_gap(track, step_by_step, elapsed)
        step_by_step.learn(sample)
    assert next_gap(track, step_by_step, elapsed) == next_gap(
        track_of(said)[0], ClassHistory(PACE, samples), elapsed
    )


@given(answers, sample_lists, st.sampled_from([0.125, 0.25, 0.5]))
def test_a_faster_gateway_is_asked_alike_on_its_own_scale(
    said: list[tuple[float, int | None, bool]], samples: list[JobSample], scale: float
) -> None:
    track, elapsed = track_of(said)
    quick, sooner = track_of([(since * scale, *rest) for since, *rest in said])  # type: ignore[misc]
    scaled = ClassHistory(
        PollIntervals(20 * scale, 5 * scale), [_scaled(sample, scale) for sample in samples]
    )
    gap = next_gap(track, ClassHistory(PACE, samples), elapsed)
    assert next_gap(quick, scaled, sooner) == pytest.approx(gap * scale)


def _scaled(sample: JobSample, scale: float) -> JobSample:
    return replace(
        sample,
        duration=sample.duration * scale,
        gap=sample.gap * scale,
        readings=tuple((at * scale, said) for at, said in sample.readings),
    )


@given(st.lists(progress, min_size=1, max_size=60), sample_lists, st.floats(0, 5000))
def test_a_job_is_never_more_than_six_requests_ahead_whatever_its_progress_says(
    said: list[int | None], samples: list[JobSample], began: float
) -> None:
    learned, track, now = ClassHistory(PACE, samples), ProgressTrack(), began
    for progress_said in said:
        track.note(now, progress_said)
        assert track.requests <= (now - began) / PACE.poll_interval + 6
        now += next_gap(track, learned, now)


@given(answers, sample_lists, st.floats(0.1, 10), st.floats(1, 10))
def test_the_more_a_request_is_worth_the_longer_the_gap(
    said: list[tuple[float, int | None, bool]],
    samples: list[JobSample],
    worth: float,
    times: float,
) -> None:
    track, elapsed = track_of(said)
    learned = ClassHistory(PACE, samples)
    learned.worth = worth
    gap = next_gap(track, learned, elapsed)
    learned.worth = worth * times
    # a gap is worked out to a few percent
    assert next_gap(track, learned, elapsed) > 0.93 * gap


@given(
    st.lists(st.floats(10, 500), min_size=ENOUGH, max_size=60),
    st.floats(0, 400),
    st.floats(0.2, 10),
)
def test_by_history_a_gap_costs_the_delay_that_a_request_is_worth(
    durations: list[float], elapsed: float, worth: float
) -> None:
    learned = plain_history(durations)
    learned.worth = worth
    gap = next_gap(ProgressTrack(), learned, elapsed)
    ends = [end for end in learned.durations.ends if end > elapsed]
    if not ends or gap in {PACE.min_poll_interval, PACE.longest}:
        return
    # what doubt adds to the delay makes gaps shorter than history alone would have them
    believed = 0.96 * len(ends) / (len(ends) + 3)
    assert believed * _delay(ends, elapsed + 0.93 * gap) <= worth


def _delay(ends: list[float], asked_at: float) -> float:
    return sum(max(asked_at - end, 0) for end in ends) / len(ends)


def test_without_history_and_progress_it_is_the_fixed_loop() -> None:
    track, new = ProgressTrack(), ClassHistory(PACE)
    for elapsed in (0.0, 20.0, 40.0, 400.0):
        track.note(elapsed, None)
        assert next_gap(track, new, elapsed) == PACE.poll_interval
    assert spread(track, new) == SPREAD


def test_a_forecast_bears_less_jitter() -> None:
    track = ProgressTrack()
    track.note(30, 20)
    assert spread(track, ClassHistory(PACE)) == FORECAST_SPREAD
    assert spread(ProgressTrack(), plain_history(UNIFORM)) == FORECAST_SPREAD


def test_nothing_is_asked_while_nothing_can_happen() -> None:
    track = ProgressTrack()
    track.note(0, None)
    assert 45 < next_gap(track, plain_history(UNIFORM), 0) < 80


def test_near_the_end_it_asks_closely() -> None:
    track, even = ProgressTrack(), _even_samples()
    track.note(0, 0)
    track.note(60, 50)
    assert 45 < next_gap(track, even, 60) < 65
    track.note(115, 95)
    assert next_gap(track, even, 115) < 12


def _even_samples() -> ClassHistory:
    return ClassHistory(
        PACE,
        [
            JobSample(CLASS, end, readings=((end / 2, 50), (end * 0.95, 95)))
            for end in range(60, 180, 3)
        ],
    )


@pytest.mark.parametrize("said", [0, 50, 99, 100, None])
def test_a_stuck_job_is_asked_about_ever_more_rarely(said: int | None) -> None:
    for learned in (ClassHistory(PACE), plain_history(UNIFORM), _even_samples()):
        track, now, gaps = ProgressTrack(), 0.0, [0.0]
        while now < 24 * 3600:
            track.note(now, said)
            gaps.append(next_gap(track, learned, now))
            now += gaps[-1]
        assert track.requests < 0.12 * PACE.fixed_requests(24 * 3600)
        grown = gaps[-len(gaps) // 2 :]
        assert grown == sorted(grown)


def test_a_forecast_that_did_not_come_true_wears_off() -> None:
    track, even = ProgressTrack(), _even_samples()
    track.note(0, 0)
    track.note(15, 90)
    assert next_gap(track, even, 15) == PACE.min_poll_interval
    track.note(35, 90)
    assert next_gap(track, even, 35) > 1.5 * PACE.min_poll_interval


def test_a_watch_that_was_added_late_goes_on_from_its_age() -> None:
    track = ProgressTrack()
    track.note(100, 80)
    assert 10 < next_gap(track, _even_samples(), 100) < 35
    assert track.sample(CLASS, 125, 5, complete=False).requests is None


def test_history_is_of_no_use_to_a_job_that_outlived_it() -> None:
    track = ProgressTrack()
    track.note(200, None)
    learned = plain_history(UNIFORM)
    assert next_gap(track, learned, 200) < next_gap(track, learned, 2000) < inf
