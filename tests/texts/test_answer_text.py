"""The text of an answer, whatever form it has, in time linear in its length."""

import time

import pytest

from notifier.texts.answer_text import answer_text
from notifier.texts.locations import shown_location

PAGE = b"""<!DOCTYPE html><html><head><title>Oops</title><style>p { color: red }</style></head>
<body><script>alert("x < y")</script><p>Not&nbsp;allowed &amp; gone</p><!-- note --></body>"""


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain", b"no_service", "no_service"),
        ("application/json", b'{"error":"a\\/b \\u00e9"}', '{"error": "a/b é"}'),
        ("application/json", b'"just a text"', "just a text"),
        ("application/json", b'{"cut": "a\\/b \\u00e9', '{"cut": "a/b é'),
        ("text/html; charset=gbk", "<p>不允许</p>".encode("gbk"), "不允许"),
        ("text/plain; charset=latin-1", b"caf\xe9", "café"),
        ("text/plain; charset=hex", b"6162", "6162"),
        ("text/plain; charset=idna", b"plain", "plain"),
        ("text/plain", b"\xff\xfe", "\ufffd\ufffd"),
        ("image/png", b"\x89PNG", ""),
        ("", b"", ""),
    ],
)
def test_the_text_of_an_answer(kind: str, body: bytes, text: str) -> None:
    assert answer_text({"content-type": kind}, body).strip() == text


def test_a_page_is_reduced_to_what_a_browser_shows() -> None:
    text = " ".join(answer_text({"content-type": "text/html"}, PAGE).split())
    assert text == "Oops Not allowed & gone"


def test_an_answer_that_is_encoded_has_no_text() -> None:
    assert answer_text({"content-encoding": "gzip"}, b"\x1f\x8b") == ""


@pytest.mark.parametrize(
    "piece", [b"<", b"<a", b"<script>", b"<!--", b"&#", b"a", b"<a b='", b"["]
)
def test_no_answer_keeps_the_daemon_busy(piece: bytes) -> None:
    body = (piece * 65_536)[:65_536]
    for kind in ("text/html", "application/json"):
        began = time.thread_time()
        answer_text({"content-type": kind}, b"<" + body)
        answer_text({"content-type": kind}, body)
        assert time.thread_time() - began < 1


def test_a_location_is_shown_without_user_query_and_fragment() -> None:
    assert shown_location("https://me:pw@h.example/a?token=x#y") == "https://h.example/a"
    assert shown_location("/a\u202e\x1b[2J") == "/a\ufffd\ufffd[2J"
    assert shown_location("http://[") == ""
