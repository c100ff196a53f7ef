"""Which instances are known to be dead."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from notifier.app.joining import is_dead
from notifier.model.instance import Instance

ME = Instance("", "alpha", "machine", "boot", os.getpid(), "1.0", 12)


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_process_of_this_machine_that_has_ended_is_dead() -> None:
    assert is_dead(ME._replace(pid=ended_pid()), ME)


def test_a_former_registration_of_this_process_is_dead() -> None:
    assert is_dead(ME._replace(id="earlier"), ME)


@contextmanager
def program(text: str) -> Iterator[int]:
    """Run a program until the block ends; its command line has `text`."""
    command = [sys.executable, "-c", f"print(flush=True); input()  # {text}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.communicate(b"\n")


def test_a_pid_that_is_another_program_by_now_is_of_a_dead_process() -> None:
    with program("an editor") as pid:
        assert is_dead(ME._replace(pid=pid), ME)


def test_a_notifier_that_runs_is_not_dead() -> None:
    with program("notifier") as pid:
        assert not is_dead(ME._replace(pid=pid), ME)


@pytest.mark.parametrize("other", [{"host": "elsewhere"}, {"boot": "another container"}])
def test_nothing_is_known_of_other_machines_boots_and_containers(other: dict[str, Any]) -> None:
    assert not is_dead(ME._replace(pid=ended_pid(), **other), ME)


def test_nothing_is_known_where_the_boot_is_not() -> None:
    unknown = ME._replace(boot="")
    assert not is_dead(unknown._replace(pid=ended_pid()), unknown)
