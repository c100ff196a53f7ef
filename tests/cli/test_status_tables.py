"""`notifier status` says no more of a gateway than the daemon that it asks can know."""

from typing import Any

import pytest

from notifier.cli.status_report import StatusReport
from notifier.cli.status_tables import status_parts
from notifier.cli.tables import print_whole


def gateway_line(granted: float | None, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the line of a gateway that has answered nothing, by a daemon with this share."""
    row: dict[str, Any] = {
        "name": "main",
        "open_watches": 3,
        "state": "ok",
        "paused": False,
        "requests_per_second": 0.0,
        "max_requests_per_second": 10.0,
        "granted_requests_per_second": granted,
        "last_answer_at": None,
    }
    daemon = {"version": "1", "pid": 1, "uptime_seconds": 1, "gateways": [row]}
    for part in status_parts(StatusReport(daemon, 3, [], [], now=0.0), None):
        print_whole(part)
    (line,) = (each for each in capsys.readouterr().out.splitlines() if " main " in each)
    return line


def test_a_gateway_that_has_answered_nothing_is_said_to_have_never_answered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "never" in gateway_line(None, capsys)


def test_whether_it_answered_another_instance_is_not_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = gateway_line(3.33, capsys)
    assert "3.33 of 10" in line
    assert "never" not in line
