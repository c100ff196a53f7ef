"""Metric names follow the conventions and alerts fire when they should, by promtool's checks."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import trio

from tests.metrics.samples import everything, values

RULES = Path(__file__).parents[2] / "systemd" / "notifier.rules.yml"


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is missing (Debian package prometheus)")
    return found


async def test_names_and_units_follow_the_conventions(promtool: str) -> None:
    text = (await everything()).render()
    assert text.count(b"# HELP notifier_") == 31
    command = [promtool, "check", "metrics"]
    done = await trio.run_process(
        command, stdin=text, capture_stdout=True, capture_stderr=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "command", [["check", "rules", RULES], ["test", "rules", "alerts.test.yml"]]
)
def test_the_alerts_are_valid_and_fire_when_they_should(promtool: str, command: list[str]) -> None:
    done = subprocess.run(
        [promtool, *command],
        cwd=Path(__file__).parent,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


async def test_alerts_are_about_metrics_that_exist() -> None:
    known = {name for name, *_ in values(await everything())}
    named = re.findall(r"\bnotifier_\w+", RULES.read_text())
    assert len(set(named)) == 12
    assert set(named) <= known
