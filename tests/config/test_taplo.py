"""The schema in taplo, which most editors and CI jobs use."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from notifier.config.schema import schema_text
from tests.config.test_example import as_it_is

PACKAGE = "@taplo/cli@0.7.0"  # as in .ci/run, which puts it into npm's cache


@pytest.fixture(scope="module")
def taplo() -> list[str]:
    """Return the command; from npm's cache, because no test goes to the network."""
    if (installed := shutil.which("taplo")) is not None:
        return [installed]
    if (npm := shutil.which("npm")) is None:
        pytest.skip("taplo is missing, and so is npm (Debian package npm), which knows @taplo/cli")
    command = [npm, "exec", "--offline", "--yes", f"--package={PACKAGE}", "--", "taplo"]
    version = subprocess.run([*command, "--version"], check=False, capture_output=True, text=True)
    if not version.stdout.startswith("taplo"):
        pytest.skip(f"npm's cache has no taplo: npm exec --yes --package={PACKAGE} -- taplo -V")
    return command


def lint(taplo: list[str], folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "config.schema.json").write_text(schema_text(), encoding="utf-8")
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return subprocess.run(
        [*taplo, "lint", "--colors", "never", "config.toml"],
        cwd=folder,
        env={**os.environ, "RUST_LOG": "error"},
        check=False,
        capture_output=True,
        text=True,
    )


def test_it_accepts_the_example(taplo: list[str], tmp_path: Path) -> None:
    done = lint(taplo, tmp_path, as_it_is())
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ('#poll_interval = "20s"', "poll_intervall = 20", "'poll_intervall' was unexpected"),
        ('#timeout = "15s"', 'timeout = "15 s"', '"15 s" is not valid'),
        ('\nurl = "https:', '\nurl = "ftp:', '"ftp://app.example/webhooks" is not valid'),
        ('secret = { env = "APP', '#secret = { env = "APP', '"secret" is a required property'),
    ],
)
def test_it_refuses_a_broken_copy(
    taplo: list[str], tmp_path: Path, right: str, wrong: str, message: str
) -> None:
    assert right in as_it_is()
    done = lint(taplo, tmp_path, as_it_is().replace(right, wrong, 1))
    assert done.returncode == 1
    assert message in done.stdout + done.stderr
