"""What copies are called, whatever ids and types a gateway makes up."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.archive.file_names import ending, file_name, is_no_video, media_type

SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
LIKE_OURS = st.from_regex(r"[a-z/]{1,3}(\.g[0-9]{1,2}|-[0-9a-f]{16})?", fullmatch=True)
IDS = st.text(min_size=1, max_size=512) | LIKE_OURS


@pytest.mark.parametrize(
    ("video_id", "generation", "name"),
    [
        ("video_68f1", 1, "video_68f1"),
        ("video_68f1", 3, "video_68f1.g3"),
        ("a.b-c", 1, "a.b-c"),
        ("x" * 120, 1, "x" * 120),
        ("x" * 121, 1, f"{'x' * 100}-e4b7c2ca1e5ee8e4"),
        ("../../etc/passwd", 1, "______etc_passwd-"),
        (".hidden", 1, "_hidden-"),
        ("a/b", 1, "a_b-"),
        ("ü", 1, "_-"),
        ("video.g2", 1, "video_g2-"),
    ],
)
def test_an_id_is_its_own_name_if_it_is_harmless(
    video_id: str, generation: int, name: str
) -> None:
    made = file_name(video_id, generation)
    if name.endswith("-"):
        assert re.fullmatch(re.escape(name) + "[0-9a-f]{16}", made)
    elif "-" in name and len(video_id) > 120:
        assert made[:101] == name[:101]
        assert len(made) == 117
    else:
        assert made == name


@given(IDS, st.integers(1, 1_000_000))
def test_any_id_gives_a_harmless_name(video_id: str, generation: int) -> None:
    assert SAFE.fullmatch(file_name(video_id, generation))


@given(IDS, st.integers(1, 3), IDS, st.integers(1, 3))
def test_no_two_watches_have_the_same_name(
    one: str, generation: int, other: str, other_generation: int
) -> None:
    same = (one, generation) == (other, other_generation)
    assert (file_name(one, generation) == file_name(other, other_generation)) is same


@pytest.mark.parametrize(
    ("header", "beginning", "name"),
    [
        ("video/mp4", b"", "mp4"),
        ('Video/MP4; codecs="avc1"', b"", "mp4"),
        ("video/webm", b"", "webm"),
        ("video/quicktime", b"", "mov"),
        ("image/gif", b"", "gif"),
        ("application/octet-stream", b"\0\0\0\x18ftypmp42", "mp4"),
        ("", b"\0\0\0\x18ftypqt  ", "mov"),
        ("binary/octet-stream", b"\x1aE\xdf\xa3", "webm"),
        ("", b"GIF89a", "gif"),
        ("", b"<html>", "bin"),
        ("video/x-msvideo", b"\0\0\0\x18ftypmp42", "bin"),
        ("audio/../../x", b"", "bin"),
        ("image/png\r\nx: y", b"", "bin"),
    ],
)
def test_the_ending_is_one_of_a_closed_set(header: str, beginning: bytes, name: str) -> None:
    assert ending(media_type(header), beginning) == name


@given(st.text(), st.binary(max_size=16))
def test_any_type_gives_an_ending_of_the_closed_set(header: str, beginning: bytes) -> None:
    assert ending(media_type(header), beginning) in {"mp4", "webm", "mov", "gif", "bin"}


@pytest.mark.parametrize(
    "header",
    [
        *("text/html; charset=utf-8", "text/plain", "application/json", "application/xml"),
        *("application/problem+json", "image/svg+xml", "application/xhtml+xml", "text/xml"),
    ],
)
def test_pages_and_errors_are_no_videos(header: str) -> None:
    assert is_no_video(media_type(header))


@pytest.mark.parametrize("header", ["video/mp4", "", "application/octet-stream", "image/gif"])
def test_a_type_that_says_little_may_be_a_video(header: str) -> None:
    assert not is_no_video(media_type(header))
