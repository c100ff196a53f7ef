"""Logs: one line for each event, and never a secret, whichever code writes it."""

import io
import json
import logging
from collections.abc import Iterator

import httpx
import pytest
import structlog

from notifier import log


@pytest.fixture(autouse=True)
def fresh_redactor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.basicConfig(force=True)


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


SECRET = "sk-canary-0123456789"


@pytest.mark.parametrize("style", ["json", "console"])
def test_a_registered_secret_is_masked_wherever_it_appears(
    style: str, stream: io.StringIO
) -> None:
    log.configure("debug", style, stream)
    log.redactor.protect(SECRET)
    logger = log.get(gateway="main")

    logger.info(SECRET, field=SECRET, nested={"a": [SECRET, {"b": SECRET}]})
    logger.info("bytes", raw=SECRET.encode(), error=ValueError(SECRET))
    logging.getLogger("some.library").warning("url %s", f"https://x/{SECRET}")
    try:
        int(SECRET)
    except ValueError:
        logger.exception("crashed")
        logging.getLogger("some.library").exception("crashed too")

    text = stream.getvalue()
    assert SECRET not in text
    assert text.count("[secret]") >= 8


def test_json_lines_are_one_object_each(stream: io.StringIO) -> None:
    log.configure("info", "json", stream)
    log.get(gateway="main").info("poll", video_id="video_1\nvideo_2")

    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {
        "event": "poll",
        "gateway": "main",
        "video_id": "video_1\nvideo_2",
        "level": "info",
        "timestamp": json.loads(line)["timestamp"],
    }


def test_lines_below_the_level_are_not_written(stream: io.StringIO) -> None:
    log.configure("warning", "json", stream)
    log.get().info("quiet")
    log.get().warning("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_a_raised_level_leaves_out_lines_of_libraries_as_well(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure("info", "json", stream)
    log.set_level("error")
    log.get().warning("quiet")
    logging.getLogger("some.library").warning("quiet as well")
    log.get().error("loud")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]
    assert capsys.readouterr().err == ""


def test_http_libraries_do_not_print_urls_even_at_debug(stream: io.StringIO) -> None:
    log.configure("debug", "json", stream)
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        client.get("https://hooks.slack.example/services/T0/B0/token")
    assert "token" not in stream.getvalue()


class FullDisk(io.StringIO):
    """A stream that cannot be written."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_raises_nothing() -> None:
    log.configure("info", "json", FullDisk())
    log.get().info("still alive")
    logging.getLogger("some.library").warning("me too")


@pytest.mark.parametrize("style", ["json", "console"])
def test_no_text_drives_a_terminal_or_makes_up_a_line(style: str, stream: io.StringIO) -> None:
    log.configure("debug", style, stream)
    hostile = "\x1b]0;OWNED\x07\x9b31m \u202e\n12:00:00 [error] forged"
    log.get().warning("poll", word=hostile, nested={"a": [hostile]})
    (line,) = stream.getvalue().splitlines()
    assert line.isprintable()


def test_what_one_cause_repeats_is_left_out_and_counted(stream: io.StringIO) -> None:
    log.configure("info", "json", stream)
    for number in range(100):
        log.get(gateway="main").warning("poll", outcome="http_500", number=number)
        logging.getLogger("a.library").warning("number %d", number)
    log.get(gateway="other").warning("poll", outcome="http_500")
    log.report_suppressed()
    log.report_suppressed()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    counts = [line for line in lines if line["event"] == "log_lines_suppressed"]
    assert len(lines) == 30 + 30 + 1 + 2
    assert [(line["of"], line["lines"]) for line in counts] == [("poll", 70), ("a.library", 70)]
    assert counts[0]["about"] == "gateway=main outcome=http_5xx"
