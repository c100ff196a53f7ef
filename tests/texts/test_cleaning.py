"""Foreign text, cleaned: nothing hides, reorders or drives a terminal."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.gateway.decode import decode
from notifier.texts.cleaning import clean_text, one_line, shortened
from notifier.texts.shown_json import shown_json

UNCLEAN = [
    *map(chr, [*range(9), 0x0B, 0x0C, 0x0D, 0x1B, *range(0x7F, 0xA0)]),
    *("\u061c", "\u200e", "\u200f", "\u2028", "\u2029", *map(chr, range(0x202A, 0x202F))),
    *("\u2066", "\u2069", "\ufeff", "\u180e", "\u2062", "\ufff9", "\U000e0041", "\U000e007f"),
    *("\u200b\u200b", "\u200d\u200c", "\ufe0f\U000e0100"),
]


@pytest.mark.parametrize("unclean", UNCLEAN)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_hides_or_reorders_text_leaves_a_mark_in_its_place(
    unclean: str, *, ascii_only: bool
) -> None:
    assert clean_text(f"a{unclean}b") == "a\ufffdb"
    body = json.dumps({"word": f"a{unclean}b"}, ensure_ascii=ascii_only).encode()
    assert decode(body) == {"word": "a\ufffdb"}


def test_half_a_character_is_replaced_by_the_sign_that_nothing_else_is() -> None:
    assert clean_text("a\ud83db\udc00") == "a\ufffdb\ufffd"
    assert decode(b'{"id": "a\\ud83d"}') == {"id": "a\ufffd"}


@given(st.text())
def test_the_decoder_cleans_every_text_as_the_cleaner_does(text: str) -> None:
    for ascii_only in (True, False):
        body = json.dumps([text], ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        assert decode(body) == [clean_text(text)]


@given(st.text(alphabet=st.characters()))
def test_a_line_for_a_terminal_holds_printable_characters_alone(text: str) -> None:
    assert one_line(text).isprintable()


def test_json_for_people_escapes_what_is_not_printable_and_loses_nothing() -> None:
    value = {"note": "\x9b31m \u202e \U000e0041 \ud800 é 视"}
    shown = shown_json(value, indent=2)
    assert json.loads(shown) == value
    assert all(c.isprintable() or c == "\n" for c in shown)
    assert "é 视" in shown


def test_shortened_text_says_that_it_is() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"


def test_the_cleaner_leaves_no_control_character() -> None:
    text = "".join(map(chr, range(0x3000)))
    left = {c for c in clean_text(text) if unicodedata.category(c) == "Cc"}
    assert left == {"\t", "\n"}
