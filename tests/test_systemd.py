"""sd_notify, as systemd would hear it."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from notifier.app.runtime import boot_id
from notifier.shipped_files import unit_text
from notifier.systemd import ServiceManager
from tests.faults.disks import fill, small_disk
from tests.faults.jobs import begin
from tests.process.harness import eventually, running, world


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    """Listen as systemd does, at an abstract address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0notifier-test-{os.getpid()}")
        sock.settimeout(10)
        yield sock


def address(ear: socket.socket) -> str:
    name = ear.getsockname()
    return "@" + (name if isinstance(name, str) else name.decode())[1:]


def heard(ear: socket.socket) -> list[str]:
    return ear.recv(4096).decode().splitlines()


def test_what_is_said_is_what_systemd_understands(ear: socket.socket) -> None:
    manager = ServiceManager({"NOTIFY_SOCKET": address(ear)})
    manager.ready("watching 1\nMAINPID=1")
    assert heard(ear) == ["READY=1", "STATUS=watching 1 MAINPID=1"]
    manager.reloading()
    first, second = heard(ear)
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdigit()
    manager.stopping(20)
    assert heard(ear)[:2] == ["STOPPING=1", "EXTEND_TIMEOUT_USEC=20000000"]
    manager.feed_watchdog()
    assert heard(ear) == ["WATCHDOG=1"]


@pytest.mark.parametrize("where", ["", "relative", "/nowhere/at/all", "@nobody-listens-here"])
def test_nobody_to_talk_to_is_no_trouble(where: str, tmp_path: Path) -> None:
    ServiceManager({"NOTIFY_SOCKET": where} if where else {}).ready("fine")


@pytest.mark.parametrize(
    ("env", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_known_when_it_is_meant_for_us(
    env: dict[str, str], interval: float | None
) -> None:
    assert ServiceManager(env).watchdog_interval == interval


@pytest.mark.parametrize("name", ["notifier.service", "notifier@.service"])
def test_the_units_name_the_boot_whose_file_they_hide(name: str) -> None:
    lines = unit_text(name).splitlines()
    assert "ProcSubset=pid" in lines
    assert "Environment=NOTIFIER_BOOT_ID=%b" in lines


def test_a_service_knows_its_boot_as_any_other_process_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boot = boot_id()
    assert boot
    monkeypatch.setattr("notifier.app.runtime._BOOT_ID", tmp_path / "hidden")
    assert boot_id() == ""
    monkeypatch.setenv("NOTIFIER_BOOT_ID", boot.replace("-", ""))  # as systemd writes it
    assert boot_id() == boot
    monkeypatch.setenv("NOTIFIER_BOOT_ID", "%b")
    assert boot_id() == ""


async def test_the_daemon_says_when_it_is_ready_reloads_and_stops(
    tmp_path: Path, ear: socket.socket
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        begin(w, "job")
        said: list[str] = []
        async with running(w.save(), NOTIFY_SOCKET=address(ear)) as daemon:
            daemon.process.send_signal(signal.SIGHUP)
            await daemon.wait_for_log("reloaded")
            assert await daemon.end() == 0
        while "STOPPING=1" not in said:
            said += heard(ear)
    words = [line.partition("=")[0] for line in said]
    order = [word for word in words if word in {"READY", "RELOADING", "STOPPING"}]
    assert order == ["READY", "RELOADING", "READY", "STOPPING"]
    assert "STATUS=watching 1, 0 pending" in said


async def test_a_full_disk_shows_in_the_status_and_the_watchdog_is_fed_all_the_same(
    tmp_path: Path, ear: socket.socket
) -> None:
    ear.settimeout(0)
    said: list[str] = []

    def has_said(words: str) -> bool:
        with suppress(BlockingIOError):
            while True:
                said.extend(heard(ear))
        return any(words in line for line in said)

    with small_disk(tmp_path / "state"):
        async with world(tmp_path) as w:
            w.endpoint(await w.receiver())
            begin(w, "job")
            told = address(ear)
            async with running(w.save(), NOTIFY_SOCKET=told, WATCHDOG_USEC="2000000") as daemon:
                await eventually(lambda: has_said("STATUS=watching 1"), "the first status")
                filler = fill(tmp_path / "state")
                await eventually(lambda: has_said("disk is full"), "a status that says so")
                said.clear()
                await eventually(lambda: has_said("WATCHDOG=1"), "food for the watchdog")
                filler.unlink()
                await eventually(lambda: has_said("STATUS=watching 1"), "the status from before")
                assert await daemon.end() == 0
