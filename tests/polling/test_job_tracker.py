"""What a watch's answers teach: the next question's time, and what is kept of a finished job."""

import pytest

from notifier.model.job_sample import JobClass
from notifier.model.status import Status
from notifier.model.video import Snapshot
from notifier.model.watch import Watch, WatchKey, WatchSpec
from notifier.polling.job_tracker import JobTracker
from notifier.schedule.job_history import JobHistory
from notifier.schedule.poll_intervals import PollIntervals
from tests.builders import rng

PACE = PollIntervals(20.0, 5.0)
BEGAN = 1_000_000
WATCH = Watch(1, WatchSpec(WatchKey("main", "video_1")), taken_at=BEGAN + 2.0)
SORA = JobClass("main", "sora-2", "8", "1280x720")


def running(progress: int | None = None, created_at: int | None = BEGAN) -> Snapshot:
    return Snapshot(
        "video_1",
        Status.IN_PROGRESS,
        model="sora-2",
        progress=progress,
        created_at=created_at,
        seconds="8",
        size="1280x720",
    )


def done(at: int | None = None, status: Status = Status.COMPLETED) -> Snapshot:
    return running()._replace(status=status, completed_at=at)


def watched(history: JobHistory, *times: float, progress: int | None = None) -> JobTracker:
    """Track a job that was seen running so many seconds after its beginning."""
    tracker = JobTracker(history)
    for elapsed in times:
        tracker.note(WATCH, running(progress), BEGAN + elapsed)
    return tracker


def history_of(jobs: int = 20, duration: float = 100.0) -> JobHistory:
    """Return a history of jobs that all took as long."""
    history = JobHistory()
    for _ in range(jobs):
        tracker = watched(history, 2, 22, 42, 62, 82, duration - 2)
        sample = tracker.sample(WATCH, done(), PACE, BEGAN + duration)
        assert sample is not None
        tracker.learn(sample)
    return history


def gap(tracker: JobTracker) -> float:
    return tracker.gap(WATCH, running(), PACE, rng())


def test_jobs_of_a_new_class_are_asked_about_around_the_poll_interval() -> None:
    random, tracker = rng(), watched(JobHistory(), 2)
    gaps = [tracker.gap(WATCH, running(), PACE, random) for _ in range(500)]
    assert 16 <= min(gaps) < 17
    assert 23 < max(gaps) <= 24
    assert sum(gaps) / len(gaps) == pytest.approx(20, abs=0.5)


def test_a_job_whose_kind_takes_100_seconds_is_left_alone_until_its_end_is_near() -> None:
    history = history_of()
    assert 70 < gap(watched(history, 10)) < 100
    assert gap(watched(history, 10, 97)) < 10


def test_progress_tells_when_the_end_is_near_even_of_a_new_class() -> None:
    tracker = JobTracker(JobHistory())
    for elapsed, progress in ((10, 10), (30, 30), (50, 50), (90, 90)):
        tracker.note(WATCH, running(progress), BEGAN + elapsed)
    assert gap(tracker) < 15


def test_jobs_of_other_classes_teach_nothing() -> None:
    tracker = watched(history_of(), 10)
    other = running()._replace(model="sora-2-pro")
    assert 16 <= tracker.gap(WATCH, other, PACE, rng()) <= 24


def test_what_was_learned_holds_for_another_pace() -> None:
    history, fast = history_of(), PollIntervals(2.0, 0.5)
    assert watched(history, 10).gap(WATCH, running(), fast, rng()) > 1.5 * fast.poll_interval
    assert watched(history, 10, 97).gap(WATCH, running(), fast, rng()) < fast.poll_interval


def test_a_finished_job_teaches_how_long_it_took() -> None:
    tracker = JobTracker(JobHistory())
    tracker.note(WATCH, running(0), BEGAN + 2)
    tracker.note(WATCH, running(40), BEGAN + 30)
    sample = tracker.sample(WATCH, done(), PACE, BEGAN + 50)
    assert sample is not None
    assert sample.job_class == SORA
    assert (sample.duration, sample.gap, sample.requests) == (50, 20, 3)
    assert sample.readings == ((2, 0), (30, 40))


def test_the_gateway_may_tell_when_exactly_it_was_completed() -> None:
    sample = watched(JobHistory(), 2, 30).sample(WATCH, done(BEGAN + 40), PACE, BEGAN + 50)
    assert sample is not None
    assert (sample.duration, sample.gap) == (41, 1)


@pytest.mark.parametrize("completed_at", [BEGAN + 10, BEGAN + 60, 0])
def test_a_completed_at_that_cannot_be_is_ignored(completed_at: int) -> None:
    sample = watched(JobHistory(), 2, 30).sample(WATCH, done(completed_at), PACE, BEGAN + 50)
    assert sample is not None
    assert (sample.duration, sample.gap) == (50, 20)


@pytest.mark.parametrize("created", [None, 0, BEGAN + 3600])
def test_a_beginning_that_cannot_be_is_when_the_watch_was_taken(created: int | None) -> None:
    tracker = JobTracker(JobHistory())
    tracker.note(WATCH, running(created_at=created), BEGAN + 12)
    sample = tracker.sample(WATCH, done(BEGAN + 40), PACE, BEGAN + 50)
    assert sample is not None
    assert (sample.duration, sample.gap) == (48, 38)


def test_what_a_job_cost_is_unknown_when_its_beginning_was_not_watched() -> None:
    sample = watched(JobHistory(), 70, 90).sample(WATCH, done(), PACE, BEGAN + 100)
    assert sample is not None
    assert sample.requests is None


def test_a_job_that_was_cancelled_or_only_seen_at_its_end_teaches_nothing() -> None:
    cancelled = done(status=Status.CANCELLED)
    assert watched(JobHistory(), 2).sample(WATCH, cancelled, PACE, BEGAN + 50) is None
    assert JobTracker(JobHistory()).sample(WATCH, done(), PACE, BEGAN + 50) is None
