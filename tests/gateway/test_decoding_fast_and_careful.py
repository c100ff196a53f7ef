import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.gateway import decode as decoding
from notifier.gateway.decode import UnreadableError

_TOKENS = (
    *(b'"a"', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\x01"', b'"\xff"'),
    *(b"1e400", b"-1e999", b"1.5", b"-0", b"01", b"1E5", b"0.0e308", b"1e0000400"),
    *(b"12345678901234567890", b"9" * 400, b"NaN", b"-Infinity", b"null", b"true"),
    *(b"\xef\xbb\xbf", b" ", b"{", b"}", b"[", b"]", b",", b":"),
)
_VALUES = st.recursive(
    st.sampled_from(_TOKENS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: b"[" + b",".join(items) + b"]"),
        inner.map(lambda item: b'{"k":' + item + b"}"),
    ),
    max_leaves=6,
)


def said(decoder: Any, body: bytes) -> str:  # noqa: ANN401 - either of the two
    try:
        return repr(decoder(body))
    except UnreadableError:
        return "unreadable"


@given(st.one_of(_VALUES, st.lists(st.sampled_from(_TOKENS), max_size=5).map(b"".join)))
def test_the_fast_decoder_says_what_the_careful_one_says(body: bytes) -> None:
    assert said(decoding.decode, body) == said(decoding._decode_carefully, body)  # noqa: SLF001


@pytest.mark.parametrize("depth", [49, 50, 51, 60])
def test_both_cut_at_the_same_depth(depth: int) -> None:
    body = b"[" * depth + b"]" * depth
    assert said(decoding.decode, body) == said(decoding._decode_carefully, body)  # noqa: SLF001


def test_an_id_full_of_digits_does_not_need_the_careful_decoder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoding, "_decode_carefully", None)
    body = {"id": f"video_{7:032}", "size": "1e400", "text": "\\d800"}
    assert decoding.decode(json.dumps({"data": [body] * 100}).encode()) == {"data": [body] * 100}
