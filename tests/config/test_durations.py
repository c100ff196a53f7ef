import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.config import DurationError, format_duration, parse_duration
from notifier.config.durations import LONGEST

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.text()),
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (20, 20.0),
        (0, 0.0),
        (1.5, 1.5),
        ("500ms", 0.5),
        ("100ms", 0.1),
        ("1.5s", 1.5),
        ("20s", 20.0),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("3d", 259200.0),
    ],
)
def test_a_duration_is_seconds_or_a_number_with_a_unit(written: object, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        *("", "20", "s", "5 m", "-5s", "1h30m", "5S", "1_000s", "٣s", "1e3s", "5s\n", ".5s"),
        *(True, None, [], {}, b"5s", -1, -0.5, math.nan, math.inf, 10**400, LONGEST + 1),
        *("3651d", "9" * 5000 + "s"),
    ],
)
def test_anything_else_is_refused(written: object) -> None:
    with pytest.raises(DurationError):
        parse_duration(written)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (0.5, "500ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (90, "90s"),
        (300, "5m"),
        (5400, "90m"),
        (7200, "2h"),
        (259200, "3d"),
    ],
)
def test_a_duration_is_shown_in_the_largest_unit_without_a_fraction(
    seconds: float, shown: str
) -> None:
    assert format_duration(seconds) == shown


@given(ANYTHING)
def test_parsing_raises_nothing_but_duration_errors(written: object) -> None:
    try:
        seconds = parse_duration(written)
    except DurationError:
        return
    assert 0 <= seconds <= LONGEST


@given(st.floats(0, LONGEST))
def test_what_is_shown_can_be_read_back(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=1e-6)
