import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.formats import mrkdwn
from notifier.formats.chat_text import chat_text
from tests.formats.events import hostile_text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a & b", "a &amp; b"),
        ("<!channel>", "&lt;!channel&gt;"),
        ("<https://evil.example|bank>", "&lt;https://evil.example|bank&gt;"),
        ("&amp;", "&amp;amp;"),
        ("\"quotes\" and 'more'", "\"quotes\" and 'more'"),
        ("two\nlines", "two\nlines"),
        ("a\x00b\rc\ud800d", "a b c d"),
    ],
)
def test_exactly_three_characters_are_escaped(text: str, escaped: str) -> None:
    assert mrkdwn.escape(text, 100) == escaped


@pytest.mark.parametrize(
    ("longest", "escaped"),
    [(5, "&lt;"), (4, "&lt;"), (3, "…"), (2, "…"), (1, "…")],
)
def test_a_cut_never_halves_an_escape(longest: int, escaped: str) -> None:
    assert mrkdwn.escape("<", longest) == escaped


def test_a_text_of_just_the_right_length_is_not_cut() -> None:
    assert mrkdwn.escape("abcde", 5) == "abcde"
    assert mrkdwn.escape("abcdef", 5) == "abcd…"
    assert mrkdwn.escape("ab&cd", 8) == "ab&amp;…"


@given(hostile_text, st.integers(1, 3000))
def test_what_is_escaped_is_a_beginning_of_the_text_and_fits(text: str, longest: int) -> None:
    escaped = mrkdwn.escape(text, longest)
    assert len(escaped) <= longest
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", escaped)
    if text.isprintable():
        assert chat_text(text).startswith(html.unescape(escaped).removesuffix("…"))


def test_inline_text_is_one_line_and_never_invisible() -> None:
    assert mrkdwn.inline(" a \n\n b\u2028c ", 100) == "a b c"
    assert mrkdwn.inline(" \x00\n", 100) == "-"
    assert mrkdwn.inline("", 100) == "-"


def test_backticks_cannot_end_code() -> None:
    assert mrkdwn.code("a`b` <c>", 100) == "`a'b' &lt;c&gt;`"
    assert mrkdwn.code_block("x```\ny\n", 100) == "```x'''\ny```"
    assert mrkdwn.code_block("\n", 100) == "```-```"


@given(hostile_text, st.integers(10, 3000))
def test_code_stays_in_its_marks_and_in_its_length(text: str, longest: int) -> None:
    inline, block = mrkdwn.code(text, longest), mrkdwn.code_block(text, longest)
    assert re.fullmatch(r"`[^`\n]+`", inline)
    assert re.fullmatch(r"```[^`]+```", block)
    assert max(len(inline), len(block)) <= longest


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://h/v1/videos/a%2Fb/content?x=1", "https://h/v1/videos/a%2Fb/content?x=1"),
        ("HTTP://[::1]:8000/v1", "HTTP://[::1]:8000/v1"),
        ("https://h/?a=1&b=2", "https://h/?a=1&amp;b=2"),
        ("https://h/a|b>c<d`e f", "https://h/a%7Cb%3Ec%3Cd%60e%20f"),
        ("https://h/ü", "https://h/%C3%BC"),
        ("https://h/\ud800", "https://h/?"),
    ],
)
def test_a_web_address_becomes_a_link_that_nothing_in_it_can_end(url: str, address: str) -> None:
    assert mrkdwn.link(url, "here") == f"<{address}|here>"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "ftp://h/x",
        "file:///etc/passwd",
        "//h/x",
        "https://",
        "https:///x",
        "https:h",
        "!channel",
        "https://h/" + "x" * 3000,
        "https://h/" + "&" * 500,
    ],
)
def test_anything_else_is_no_link(url: str) -> None:
    assert mrkdwn.link(url, "here") is None


def test_a_date_is_shown_in_the_readers_time_zone() -> None:
    expected = "<!date^1760714196^{date_short_pretty} {time}|2025-10-17 15:16 UTC>"
    assert mrkdwn.date(1760714196) == expected
