"""The report on log lines that were left out."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog
import trio
from trio.testing import MockClock

from notifier import log
from notifier.app.log_report import report_suppressed_lines


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    log.configure("info", "json", stream)
    yield stream
    structlog.reset_defaults()


async def test_it_comes_within_a_minute_and_at_the_end(
    stream: io.StringIO, autojump_clock: MockClock
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(report_suppressed_lines)
        for lines in (130, 50):
            for _ in range(lines):
                log.get().error("trouble")
            if lines == 130:
                await trio.sleep(61)
        nursery.cancel_scope.cancel()
    said = [json.loads(line) for line in stream.getvalue().splitlines()]
    counts = [line["lines"] for line in said if line["event"] == "log_lines_suppressed"]
    assert counts == [100, 50]
