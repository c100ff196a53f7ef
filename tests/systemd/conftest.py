"""One machine with notifier installed by the README's own lines, for all tests here."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.systemd.machine import CHECKOUT, Machine, booted, need_systemd
from tests.systemd.service import Service

CONFIG = """
[gateways.main]
base_url = "http://127.0.0.1:{gateway}/v1"
api_key = {{ credential = "gateway-key" }}
poll_interval = "300ms"
min_poll_interval = "200ms"

[endpoints.app]
url = "http://127.0.0.1:{receiver}/"
secret = {{ credential = "app-secret" }}
retry_schedule = ["200ms", "1s", "1s", "1s", "1s"]
"""


def readme_lines() -> str:
    """Return the README's way from nothing to a supervised service."""
    readme = (CHECKOUT / "README.md").read_text()
    found = re.search(r"<!-- service-command -->\n```sh\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """Boot a machine, with a gateway in it, and install notifier as the README says."""
    need_systemd()
    with tempfile.TemporaryDirectory(prefix="machine-") as folder, booted(Path(folder)) as booting:
        prepare(booting)
        yield booting


def prepare(machine: Machine) -> None:
    tried = machine.run(
        "/usr/bin/python3", "-c", "import sys, venv, ensurepip; print(sys.version)", check=False
    )
    if tried.returncode != 0:
        pytest.skip("/usr/bin/python3 cannot make a venv (Debian package python3-venv)")
    if tuple(map(int, tried.stdout.split(".")[:2])) < (3, 11):
        pytest.skip("/usr/bin/python3 is older than 3.11")
    # the editor of the README's lines: it leaves the starter as it is, tests write their own
    env = {"EDITOR": "true"}
    done = machine.run(
        "bash", "-euxc", f"cd /run/checkout\n{readme_lines()}", check=False, env=env
    )
    if done.returncode != 0 and "No matching distribution" in done.stderr:
        pytest.skip(f"no package index can be reached from here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def service(machine: Machine) -> Iterator[Service]:
    """Start the shipped service beside a gateway and a receiver, with no state yet."""
    service = Service(machine)
    service.reset()
    service.gateway = service.start_peer(
        "gateway", "sandbox", "--speed", "10", "--api-key", "sk-0123456789"
    )
    service.receiver = service.start_peer("receiver", "listen")
    service.configure(CONFIG.format(gateway=service.gateway, receiver=service.receiver))
    machine.run("systemctl", "start", "notifier")
    yield service
    service.reset()
