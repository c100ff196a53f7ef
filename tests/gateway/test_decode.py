"""Decoding foreign JSON: bounded work, and nothing that could not be encoded again."""

import json
import time
import unicodedata
from contextlib import suppress

import pytest

from notifier.gateway.decode import UnreadableError, decode

MEGABYTE = 1024 * 1024


def filled(start: bytes, again: bytes, end: bytes) -> bytes:
    """Return a body of one megabyte."""
    return start + again * ((MEGABYTE - len(start) - len(end)) // len(again)) + end


COSTLY = {
    "empty lists": filled(b"[", b"[],", b"[]]"),
    "empty objects": filled(b"[", b"{},", b"{}]"),
    "fractions": filled(b"[", b"1e5,", b"1]"),
    "deep lists": filled(b"[", b"[" * 900 + b"]" * 900 + b",", b"1]"),
    "fields": b"{" + b",".join(b'"%d":1' % number for number in range(90_000)) + b"}",
    "as many values as are taken": b"[" + b"{}," * 9_990 + b"1]",
    "long numbers": filled(b"[", b"9" * 4000 + b",", b"1]"),
    "numbers with a point": filled(b"[", b"1." + b"9" * 4000 + b",", b"1]"),
    "one long text": filled(b'["', b"\\ud800", b'"]'),
}


@pytest.mark.parametrize("name", COSTLY)
def test_no_body_keeps_the_daemon_busy(name: str) -> None:
    assert min(decoding(COSTLY[name]) for _ in range(3)) < 0.2


def decoding(body: bytes) -> float:
    """Return the processor time that it takes, in seconds."""
    began = time.thread_time()
    with suppress(UnreadableError):
        decode(body)
    return time.thread_time() - began


def test_what_real_gateways_send_is_far_from_the_bound() -> None:
    videos = [
        {"id": f"video_{number}", "status": "queued", "x": list(range(50))}
        for number in range(100)
    ]
    assert decode(json.dumps({"data": videos}).encode()) == {"data": videos}


@pytest.mark.parametrize("digits", ["9" * 309, "-" + "9" * 309, "9" * 5000, "1e999"])
def test_a_number_that_most_receivers_could_not_read_is_no_number(digits: str) -> None:
    assert decode(f'{{"status": "completed", "x": {digits}}}'.encode()) == {
        "status": "completed",
        "x": None,
    }


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**300])
def test_other_numbers_stay_as_they_are(number: int) -> None:
    assert decode(str(number).encode()) == number


@pytest.mark.parametrize(
    "text",
    [
        "\x1b]0;OWNED\x07\x1b[2J",
        "a\x00b",
        "\x7f",
        "\x85\x9b31m",
        "a\u202eb",
        "\u2066x\u2069",
        "\u061c",
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_control_characters_never_leave_the_decoder(text: str, *, ascii_only: bool) -> None:
    body = json.dumps({text: [text, "\t\n"]}, ensure_ascii=ascii_only).encode()
    for decoded in (decode(body), decode(body.decode().encode("utf-16"))):
        (name,) = decoded
        assert not any(unicodedata.category(c) == "Cc" for c in name)
        assert "\ufffd" in name
        assert decoded[name] == [name, "\t\n"]
        assert not set(name) & set("\u202e\u2066\u2069\u061c")


def test_what_people_write_is_left_as_it_is() -> None:
    text = "naïve 视频 👩‍👩‍👧 \\u202e\n\t\u00a0\u200b"
    for ascii_only in (True, False):
        assert decode(json.dumps(text, ensure_ascii=ascii_only).encode()) == text
