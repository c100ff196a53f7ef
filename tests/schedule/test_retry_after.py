from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.schedule.retry_after import LONGEST, parse_poll_after_ms, parse_retry_after

NOW = datetime(1994, 11, 6, 8, 49, 27, tzinfo=UTC).timestamp()
SOME_TIME_TODAY = datetime(2026, 3, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("007", 7),
        (" 5\t", 5),
        ("1.5", 1.5),
        ("0." + "3" * 10_000, pytest.approx(1 / 3)),
        ("99999999999", LONGEST),
        ("9" * 10_000, LONGEST),
        ("0" * 10_000 + "5", 5),
    ],
)
def test_a_number_of_seconds_is_that_wait_within_ten_years(value: str, seconds: float) -> None:
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun Nov 06 08:49:37 1994",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",  # Go's time.RFC1123
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "10, 10",  # the header came twice
        "3,10",
    ],
)
def test_a_date_in_any_of_its_formats_is_the_time_until_then(value: str) -> None:
    assert parse_retry_after(value, NOW) == 10


def test_a_leap_second_is_the_second_before_it() -> None:
    before = datetime(2016, 12, 31, 23, 59, 50, tzinfo=UTC).timestamp()
    assert parse_retry_after("Sat, 31 Dec 2016 23:59:60 GMT", before) == 9


def test_a_date_in_the_past_asks_for_no_wait() -> None:
    assert parse_retry_after("Sun, 06 Nov 1994 08:49:00 GMT", NOW) == 0
    assert parse_retry_after("Mon, 01 Jan 0001 00:00:00 GMT", NOW) == 0


def test_a_date_far_away_is_believed_for_ten_years() -> None:
    assert parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", NOW) == LONGEST


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Sunday, 01-Mar-26 00:00:30 GMT", 30),
        ("Friday, 01-Mar-30 00:00:00 GMT", 1461 * 86400),
        ("Friday, 01-Mar-76 00:00:00 GMT", LONGEST),
        ("Friday, 01-Mar-77 00:00:00 GMT", 0),
        ("Friday, 01-Mar-99 00:00:00 GMT", 0),
    ],
)
def test_a_year_of_two_digits_is_at_most_fifty_years_ahead(value: str, seconds: float) -> None:
    assert parse_retry_after(value, SOME_TIME_TODAY) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "soon",
        "-1",
        "+5",
        "1_000",
        "١٢",
        "²",
        "1e3",
        "5.",
        ".5",
        "0x10",
        "5 seconds",
        "5, soon",
        ",",
        "5,",
        "5\n",
        "nan",
        "inf",
        "2025-10-16T15:17:43Z",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 +0100",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, ٠٦ Nov 1994 08:49:37 GMT",
        "Sun Nov    08:49:37 1994",
        "So, 06 Dez 1994 08:49:37 GMT",
    ],
)
def test_anything_else_has_not_asked(value: str) -> None:
    assert parse_retry_after(value, NOW) is None


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    st.integers(0, 2**32),
)
def test_every_date_that_a_server_writes_is_read_back(moment: datetime, now: int) -> None:
    expected = int(moment.timestamp()) - now
    wait = parse_retry_after(format_datetime(moment, usegmt=True), now)
    assert wait == min(max(expected, 0), LONGEST)


near_misses = st.from_regex(r"[A-Z][a-z]{2,8},? [0-9 -]{2,3}[A-Za-z]{3}.{0,24}")
numbers = st.integers().map(str) | st.floats().map(str) | st.decimals().map(str)


@given(st.text() | numbers | near_misses, st.floats(0, 253_000_000_000))
def test_whatever_is_sent_becomes_a_sane_wait_or_none(value: str, now: float) -> None:
    wait = parse_retry_after(value, now)
    assert wait is None or 0 <= wait <= LONGEST


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("5000", 5),
        ("250", 0.25),
        ("0", 0),
        (" 20000 ", 20),
        ("1500.5", 1.5005),
        ("9" * 5000, LONGEST),
        ("", None),
        ("-5", None),
        ("1_000", None),
        ("١٢", None),
        ("soon", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_a_poll_after_is_a_number_of_milliseconds(value: str, seconds: float | None) -> None:
    assert parse_poll_after_ms(value) == seconds


@given(st.text() | numbers)
def test_whatever_poll_after_says_becomes_a_sane_wait_or_none(value: str) -> None:
    wait = parse_poll_after_ms(value)
    assert wait is None or 0 <= wait <= LONGEST
