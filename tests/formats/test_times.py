import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.formats import times


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (42, "42 s"),
        (60, "1 min"),
        (786, "13 min 6 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (7500, "2 h 5 min"),
        (86_400, "1 d"),
        (100_000, "1 d 3 h"),
        (86_400 * 400, "400 d"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert times.duration(seconds) == words


def test_a_moment_is_iso_8601_in_utc() -> None:
    assert times.iso(1760627863) == "2025-10-16T15:17:43Z"


@given(st.integers())
def test_any_number_has_a_moment(seconds: int) -> None:
    assert len(times.iso(seconds)) == len("2025-10-16T15:17:43Z")
