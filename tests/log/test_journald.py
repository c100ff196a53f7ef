"""Logs under systemd: entries in the journal with priority and fields, one for each line."""

import io
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
import structlog

from notifier import log
from notifier.log import journald
from tests.log.journals import FakeJournal

SECRET = "sk-canary-9876543210"


@pytest.fixture
def socket_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "socket"
    monkeypatch.setattr(journald, "SOCKET", str(path))
    return path


@pytest.fixture
def listening(socket_path: Path) -> Iterator[FakeJournal]:
    fake = FakeJournal(socket_path)
    yield fake
    fake.close()


@pytest.fixture
def stderr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TextIO]:
    """Return a stream that is connected to the journal."""
    with (tmp_path / "stderr").open("w+", encoding="utf-8") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        yield stream
    structlog.reset_defaults()
    for handler in logging.getLogger().handlers:
        sink = getattr(handler, "stream", None)
        if isinstance(sink, journald.JournalStream):
            sink.close()
    logging.basicConfig(force=True)


def written(stream: TextIO) -> list[str]:
    stream.seek(0)
    return stream.read().splitlines()


def test_each_line_is_an_entry_with_priority_and_fields(
    listening: FakeJournal, stderr: TextIO
) -> None:
    log.configure("debug", "auto", stderr)
    logger = log.get(gateway="main", video_id="video_1")
    logger.info("poll", outcome="seen", progress=40, odd=None)
    logger.warning("attempt", outcome="http_500", detail='said "no"', endpoints=["a", "b"])
    logger.error("gateway_paused", hint="is api_key right?")
    logger.debug("poll")

    poll, attempt, paused, debug = listening.entries()
    assert poll == {
        "MESSAGE": "poll gateway=main video_id=video_1 outcome=seen progress=40 odd=null",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "notifier",
        "NOTIFIER_EVENT": "poll",
        "NOTIFIER_GATEWAY": "main",
        "NOTIFIER_VIDEO_ID": "video_1",
        "NOTIFIER_OUTCOME": "seen",
        "NOTIFIER_PROGRESS": "40",
        "NOTIFIER_ODD": "null",
    }
    assert attempt["PRIORITY"] == "4"
    assert attempt["NOTIFIER_ENDPOINTS"] == '["a", "b"]'
    assert attempt["NOTIFIER_DETAIL"] == 'said "no"'
    assert r'detail="said \"no\""' in attempt["MESSAGE"]
    assert paused["PRIORITY"] == "3"
    assert 'hint="is api_key right?"' in paused["MESSAGE"]
    assert debug["PRIORITY"] == "7"
    assert written(stderr) == []


def test_newlines_and_foreign_names_break_no_entry(listening: FakeJournal, stderr: TextIO) -> None:
    log.configure("info", "auto", stderr)
    forged = "video_1\nPRIORITY=0\nMESSAGE=all is well"
    log.get().info("event\nPRIORITY=0", **{"video_id": forged, "a=b\nPRIORITY": "0", "x" * 99: 1})

    (entry,) = listening.entries()
    assert entry["PRIORITY"] == "6"
    assert entry["NOTIFIER_VIDEO_ID"] == forged
    assert entry["NOTIFIER_A_B_PRIORITY"] == "0"
    assert "\n" not in entry["MESSAGE"]
    assert max(map(len, entry)) == 64


def test_nothing_is_lost_of_a_long_line(listening: FakeJournal, stderr: TextIO) -> None:
    log.configure("info", "auto", stderr)
    text = "détail " * 300_000
    log.get().error("attempt", detail=text)
    log.get().info("next")

    long, following = listening.entries()
    assert listening.files == 1
    assert long["NOTIFIER_DETAIL"] == text
    assert long["PRIORITY"] == "3"
    assert following["MESSAGE"] == "next"


def test_bugs_are_entries_with_their_whole_traceback(
    listening: FakeJournal, stderr: TextIO
) -> None:
    log.configure("info", "auto", stderr)
    try:
        int("no number")
    except ValueError:
        log.get().exception("poller_crashed")
    (entry,) = listening.entries()
    assert entry["PRIORITY"] == "3"
    assert len(entry["NOTIFIER_EXCEPTION"].splitlines()) > 3
    assert "ValueError: invalid literal" in entry["MESSAGE"]
    assert "\n" not in entry["MESSAGE"]


def test_a_librarys_log_line_is_an_entry_as_well(listening: FakeJournal, stderr: TextIO) -> None:
    log.configure("info", "auto", stderr)
    logging.getLogger("some.library").warning("odd %s", "thing")
    logging.getLogger("some.library").critical("worse")
    odd, worse = listening.entries()
    assert (odd["MESSAGE"], odd["PRIORITY"]) == ("odd thing", "4")
    assert worse["PRIORITY"] == "2"


def test_secrets_are_masked_before_anything_is_sent(
    listening: FakeJournal, stderr: TextIO
) -> None:
    log.configure("info", "auto", stderr)
    log.redactor.protect(SECRET)
    log.get().info(SECRET, url=f"https://x/{SECRET}", nested={"a": [SECRET]})
    (entry,) = listening.entries()
    assert SECRET not in repr(entry)
    assert entry["NOTIFIER_URL"] == "https://x/[secret]"


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_format_that_is_asked_for_is_kept(
    style: str, listening: FakeJournal, stderr: TextIO
) -> None:
    log.configure("info", style, stderr)
    log.get().info("poll")
    assert listening.entries() == []
    assert "poll" in written(stderr)[0]


@pytest.mark.parametrize("value", ["", "1:2", "nonsense"])
def test_a_stream_that_does_not_lead_into_the_journal_gets_json(
    value: str, listening: FakeJournal, stderr: TextIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", value)
    log.configure("info", "auto", stderr)
    log.get().info("poll")
    assert listening.entries() == []
    assert written(stderr)[0].startswith('{"timestamp"')
    assert not journald.is_journal(io.StringIO(), os.environ)


def test_without_the_socket_lines_go_to_stderr_with_their_priority(
    socket_path: Path, stderr: TextIO
) -> None:
    log.configure("info", "auto", stderr)
    log.get().error("gateway_paused", gateway="main", detail="two\nlines")
    log.get().info("poll")
    assert written(stderr) == [
        r'<3>gateway_paused gateway=main detail="two\nlines"',
        "<6>poll",
    ]


def test_a_journal_that_is_started_anew_loses_nothing(
    listening: FakeJournal, socket_path: Path, stderr: TextIO
) -> None:
    log.configure("info", "auto", stderr)
    log.get().info("before")
    listening.close()
    socket_path.unlink()
    log.get().info("between")
    again = FakeJournal(socket_path)
    log.get().info("after")
    assert [entry["MESSAGE"] for entry in again.entries()] == ["after"]
    assert written(stderr) == ["<6>between"]
    again.close()


def test_a_journal_that_hangs_delays_nothing_and_later_gets_the_number_of_lost_lines(
    listening: FakeJournal, stderr: TextIO
) -> None:
    log.configure("info", "auto", stderr)
    began = time.monotonic()
    for number in range(3000):
        log.get().info("line", number=number)
    assert time.monotonic() - began < 60  # 3000 lines, each of which might have waited

    taken = len(listening.entries())
    assert 0 < taken < 3000
    log.get().info("goes on")
    after, lost = listening.entries()
    assert after["MESSAGE"] == "goes on"
    assert (lost["NOTIFIER_EVENT"], lost["PRIORITY"]) == ("log_lines_lost", "4")
    assert lost["NOTIFIER_LINES"] == str(3000 - taken)
    assert written(stderr) == []


def test_why_the_daemon_did_not_start_is_an_error_in_the_journal(
    stderr: TextIO, tmp_path: Path
) -> None:
    # systemd passes $JOURNAL_STREAM on; the fixture has set it for this file
    subprocess.run(
        [sys.executable, "-m", "notifier", "run", "-c", str(tmp_path / "none.toml")],
        check=False,
        stderr=stderr,
    )
    (line,) = written(stderr)
    assert line.startswith("<3>notifier: ")
