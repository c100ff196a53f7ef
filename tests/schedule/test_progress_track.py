import sys
from array import array

from hypothesis import given

from notifier.schedule.progress_track import MOST_READINGS, ProgressTrack
from tests.schedule.classes import CLASS, answers, track_of


def test_a_sample_tells_when_progress_was_seen_and_what_it_cost() -> None:
    track = ProgressTrack()
    track.note(0.04, None, queued=True)
    track.note(61.26, 40)
    track.note(80.0, None)
    track.note(91.0, 70)
    sample = track.sample(CLASS, 125.0, 5.0, complete=True)
    assert sample.readings == ((0.0, 0), (61.3, 40), (91.0, 70))
    assert (sample.duration, sample.gap, sample.requests) == (125.0, 5.0, 5)


def test_by_age_it_forecasts_from_the_end_of_the_queue() -> None:
    track = ProgressTrack()
    track.note(40, None, queued=True)
    track.note(92.5, 50)
    assert 49 < track.forecast(5.0, by_speed=False) < 50
    assert not track.has_speed


def test_by_speed_it_forecasts_from_two_readings() -> None:
    track = ProgressTrack()
    track.note(40, 10)
    track.note(70, 40)
    assert track.has_speed
    assert track.forecast(5.0, by_speed=True) == 60


def test_a_reading_that_repeats_or_hits_the_ceiling_moves_no_forecast() -> None:
    track = ProgressTrack()
    for elapsed, said in ((50, 60), (60, 60), (70, 99), (80, 99), (90, 100)):
        track.note(elapsed, said)
        assert (track.anchor, track.anchor_at) == (60, 50)


def test_a_job_that_is_queued_again_begins_anew() -> None:
    track = ProgressTrack()
    track.note(50, 60)
    track.note(70, 60, queued=True)
    assert track.anchor == 0


@given(answers)
def test_readings_are_bounded_and_in_order(said: list[tuple[float, int | None, bool]]) -> None:
    track, _ = track_of(said * 3)
    moments = [at for at, _ in track.sample(CLASS, 1.0, 0.0, complete=True).readings]
    assert len(moments) <= MOST_READINGS
    assert moments == sorted(moments)


def test_a_track_is_small() -> None:
    track = ProgressTrack()
    for job in range(8):
        track.note(job * 15.0, job * 12)
    held = [getattr(track, name) for name in ProgressTrack.__slots__]
    size = sum(sys.getsizeof(each) for each in held if isinstance(each, float | array))
    assert sys.getsizeof(track) + size < 400
