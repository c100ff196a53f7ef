"""The lenient reader, whose readings are the same however an answer is cut into pieces."""

import time
from collections.abc import Iterator

import pytest

from notifier.errors import TransportError
from notifier.http_client.lenient_reader import Headers, LenientReader

HEAD = b"HTTP/1.1 200 OK\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\n\n"
UNREADABLE = "its chunks cannot be read"


def readers(answer: bytes) -> Iterator[LenientReader]:
    """Return a reader that got all at once, and one that got it byte by byte."""
    for size in (len(answer), 1):
        reader = LenientReader()
        for start in range(0, len(answer), size):
            reader.feed(answer[start : start + size])
        yield reader


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        (b"x: a\n b\n\tc\n", [(b"x", b"a b c")]),
        (b"location: https://a.example:1/\n", [(b"location", b"https://a.example:1/")]),
        (b"x \t: \t a \t\n", [(b"x", b"a")]),
        (b"x: a\x0b\n", [(b"x", b"a\x0b")]),
        (b"X: aX\n", [(b"X", b"aX")]),
        (b"x\x0b: a\ny: b\n", [(b"y", b"b")]),
        (b" folded: x\ny: b\n", [(b"y", b"b")]),
    ],
)
def test_headers_are_joined_split_at_the_first_colon_and_trimmed(
    lines: bytes, headers: Headers
) -> None:
    for reader in readers(HEAD + lines + b"\n"):
        assert reader.has_head
        assert reader.headers == headers


def test_empty_lines_before_the_status_line_are_skipped() -> None:
    for begin in (b"\n", b"\r\n", b"\n\n\r\n"):
        for reader in readers(begin + HEAD + b"\n"):
            assert reader.status == 200


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"HTTP/1.1 101 Switching\n\n", "it wants to speak another protocol"),
        (b"HTTP/1.1 OK\n\n", "not HTTP/1.1: it does not begin with a status line"),
        (b"SSH-2.0", "not HTTP/1.1: it does not begin with a status line"),
    ],
)
def test_what_is_not_http_is_refused(answer: bytes, detail: str) -> None:
    with pytest.raises(TransportError) as raised:
        LenientReader().feed(answer)
    assert (raised.value.kind, raised.value.detail) == ("protocol", detail)


def test_every_other_provisional_answer_is_skipped() -> None:
    for reader in readers(b"HTTP/1.1 102 Processing\n\n" + HEAD + b"\n"):
        assert reader.status == 200


@pytest.mark.parametrize(
    ("answer", "body", "complete"),
    [
        (HEAD + b"content-length: 2\n\nokHTTP/1.1 200 OK\n\n", b"ok", True),
        (HEAD + b"content-length: 3\n\nok", b"ok", False),
        (b"HTTP/1.1 204 No Content\ncontent-length: 2\n\nno", b"", True),
        (CHUNKED + b"2\nok\n1a; x=1\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n", None, True),
        (CHUNKED + b"2\nok\n", b"ok", False),
        (CHUNKED + b"0\n\nHTTP/1.1 200 OK\n\n", b"", True),
    ],
)
def test_a_body_ends_where_its_framing_says(
    answer: bytes, body: bytes | None, *, complete: bool
) -> None:
    wanted = b"okabcdefghijklmnopqrstuvwxyz" if body is None else body
    for reader in readers(answer):
        assert b"".join(reader.received) == wanted
        assert reader.complete is complete
        assert (reader.problem, reader.ends_with_connection) == ("", False)


def test_a_body_without_framing_ends_with_the_connection() -> None:
    for reader in readers(HEAD + b"\nhello"):
        assert b"".join(reader.received) == b"hello"
        assert reader.ends_with_connection is True
        assert not reader.complete


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        (b"transfer-encoding: gzip\n\n", "its transfer-encoding is not known"),
        (b"content-length: 2\ncontent-length: 3\n\n", "its content-length headers differ"),
        (b"content-length: two\n\n", "its content-length is not a number"),
        (b"transfer-encoding: chunked\n\nz", UNREADABLE),
        (b"transfer-encoding: chunked\n\n2X\r\nok", UNREADABLE),
        (b"transfer-encoding: chunked\n\n\nok", UNREADABLE),
        (b"transfer-encoding: chunked\n\n2\nokay\n", UNREADABLE),
        (b"transfer-encoding: chunked\n\n2\nok0\n\n", UNREADABLE),
    ],
)
def test_a_body_whose_end_is_not_clear_says_why(rest: bytes, problem: str) -> None:
    for reader in readers(HEAD + rest):
        assert reader.problem == problem
        assert not reader.complete


def test_a_connection_that_was_read_leniently_is_the_last() -> None:
    for reader in readers(HEAD + b"content-length: 2\n\nok"):
        assert not reader.keeps_alive


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"a: b\n" * 12_000,
        HEAD + b"a" * 60_000,
        HEAD + b"\r" * 60_000,
        CHUNKED + b"1;" + b"x" * 60_000,
        CHUNKED + b"1" + b" " * 60_000,
    ],
    ids=["many headers", "one line", "returns", "an extension", "spaces"],
)
def test_an_answer_that_arrives_byte_by_byte_costs_little(answer: bytes) -> None:
    reader = LenientReader()
    began = time.thread_time()
    for at in range(len(answer)):
        reader.feed(answer[at : at + 1])
    assert time.thread_time() - began < 2


def test_two_returns_before_a_line_end_may_arrive_one_after_the_other() -> None:
    for reader in readers(CHUNKED + b"2\r\r\nok\r\r\n0\r\r\n\r\r\n"):
        assert (b"".join(reader.received), reader.complete, reader.problem) == (b"ok", True, "")


def test_many_small_chunks_that_are_read_at_once_cost_little() -> None:
    reader = LenientReader()
    began = time.thread_time()
    reader.feed(CHUNKED + b"1;\x01\r\nx\r\n" * 180_000)
    assert time.thread_time() - began < 5
    assert len(reader.received) == 180_000


def test_a_chunk_size_that_goes_on_and_on_is_not_read() -> None:
    for reader in readers(CHUNKED + b"1;" + b"x" * 60_000):
        assert reader.problem == UNREADABLE
