"""Progress tracks and job samples for the tests: random ones, and some plain ones."""

from hypothesis import strategies as st

from notifier.model.job_sample import JobClass, JobSample
from notifier.schedule.class_history import ClassHistory
from notifier.schedule.poll_intervals import PollIntervals
from notifier.schedule.progress_track import ProgressTrack

PACE = PollIntervals(20.0, 5.0)
CLASS = JobClass("g", "sora-2", "8", "1280x720")

progress = st.none() | st.integers(0, 100)
"""Any progress that a gateway may report."""

answers = st.lists(st.tuples(st.floats(0.1, 300), progress, st.booleans()), max_size=30)
"""Seconds since the answer before, progress, whether the job is queued."""

paces = st.tuples(st.floats(0.1, 3600), st.floats(0.01, 1)).map(
    lambda drawn: PollIntervals(drawn[0], drawn[0] * drawn[1])
)


def _seconds(most: float) -> st.SearchStrategy[float]:
    """Whole milliseconds: nothing that is so small that it is lost when it is scaled."""
    return st.integers(0, round(most * 1000)).map(lambda milliseconds: milliseconds / 1000)


@st.composite
def _sample(draw: st.DrawFn) -> JobSample:
    duration = draw(_seconds(2000))
    moments = draw(st.lists(st.floats(0, 1), max_size=20))
    return JobSample(
        CLASS,
        duration,
        gap=draw(_seconds(60)),
        requests=draw(st.none() | st.integers(0, 200)),
        readings=tuple(
            (round(duration * at, 3), draw(st.integers(0, 100))) for at in sorted(moments)
        ),
    )


sample_lists = st.lists(_sample(), max_size=25)
"""Any samples of finished jobs."""


def track_of(answers: list[tuple[float, int | None, bool]]) -> tuple[ProgressTrack, float]:
    """Return the track of a job with these answers, and its age."""
    track, elapsed = ProgressTrack(), 0.0
    for since, said, queued in answers:
        elapsed += since
        track.note(elapsed, said, queued=queued)
    return track, elapsed


def plain_history(durations: list[float], pace: PollIntervals = PACE) -> ClassHistory:
    """Return the history of jobs without progress whose ends are known to the second."""
    return ClassHistory(pace, [JobSample(CLASS, duration) for duration in durations])
