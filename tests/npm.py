"""Packages of npm that tests use, installed by it into its cache."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

TIMEOUT = 120.0


@cache
def folder_with(package: str) -> Path:
    """Return a folder whose `node_modules` has `package`, such as `openai@6.49.0`.

    Skips the test where node or npm is missing, or npm cannot get it.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node or npm is missing (Debian packages nodejs, npm)")
    command = [npm, "exec", "--yes", f"--package={package}", "--"]
    command += ["node", "-p", "process.env.PATH"]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install {package} in time")
    name = package.rpartition("@")[0]
    folders = (Path(entry).parent for entry in done.stdout.strip().split(":"))
    for folder in folders:
        if folder.name == "node_modules" and (folder / name).is_dir():
            return folder.parent
    pytest.skip(f"npm could not install {package}: {done.stderr[-200:]}")
