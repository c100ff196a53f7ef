"""A machine with a real systemd, in namespaces of its own over this machine's files.

It shares the network with the tests, so that their gateway and receivers can be reached;
whatever is written inside is gone with it.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 180.0
_NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--cgroup", "--propagation", "private")
_TOOLS = ("unshare", "nsenter", "systemctl", "pivot_root")


def need_systemd() -> None:
    """Skip the test where no machine can be booted."""
    if os.geteuid() != 0:
        pytest.skip("booting a systemd needs root")
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing (Debian packages systemd and util-linux)")
    tried = subprocess.run(
        ["unshare", *_NAMESPACES, "--fork", "true"], capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"namespaces cannot be made here: {tried.stderr.strip()}")


@dataclass
class Machine:
    """A booted machine; `shared` is a folder outside that is /run/outside inside."""

    pid: int
    shared: Path

    def run(
        self, *arguments: str, check: bool = True, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside to its end."""
        inside = ("nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-C", "-r", "-w")
        path = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run(
            [*inside, "--", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env={"PATH": path, "LC_ALL": "C.UTF-8", "HOME": "/root", **(env or {})},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def show(self, unit: str, name: str) -> str:
        """Return one property of a unit."""
        return self.run("systemctl", "show", unit, "-P", name).stdout.strip()

    def journal(self, unit: str, *options: str) -> list[dict[str, Any]]:
        """Return a unit's journal."""
        said = self.run("journalctl", "-u", unit, "-o", "json", "--no-pager", *options).stdout
        return [json.loads(line) for line in said.splitlines()]

    def write(self, path: str, text: str, mode: str = "644") -> None:
        """Write a file inside."""
        outside = self.shared / "to-write"
        outside.write_text(text)
        self.run("install", "-D", "-m", mode, "/run/outside/to-write", path)
        outside.unlink()


def eventually(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    """Look until `condition` holds; fail after PATIENCE, saying `what` is the case."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(what())


@contextmanager
def booted(folder: Path) -> Iterator[Machine]:
    """Boot a machine for as long as the block lasts."""
    (folder / "shared").mkdir()
    cgroup = _cgroup()
    with (folder / "console").open("w+") as console:
        outer = subprocess.Popen(
            [
                *("unshare", *_NAMESPACES, "--fork", "--kill-child"),
                *("bash", str(Path(__file__).with_name("inner.sh")), str(folder), str(CHECKOUT)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
            preexec_fn=lambda: (cgroup / "cgroup.procs").write_text(str(os.getpid())),  # noqa: PLW1509
        )
        try:
            yield Machine(_boot(outer, folder / "console"), folder / "shared")
        finally:
            outer.kill()
            outer.wait()
            _remove(cgroup)


def _boot(outer: subprocess.Popen[bytes], console: Path) -> int:
    """Wait until systemd is up; return its pid as this machine sees it."""
    found: list[int] = []

    def is_up() -> bool:
        with suppress(OSError, ValueError, IndexError):
            children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text()
            pid = int(children.split()[0])
            state = subprocess.run(
                ["nsenter", "-t", str(pid), "-m", "-p", "--", "systemctl", "is-system-running"],
                capture_output=True,
                text=True,
                check=False,
            ).stdout.strip()
            if state in {"running", "degraded"}:
                found.append(pid)
        return bool(found) or outer.poll() is not None

    eventually(is_up, console.read_text)
    if not found:
        raise AssertionError(console.read_text())
    return found[0]


def _cgroup() -> Path:
    base = Path("/sys/fs/cgroup/unified")
    base = base if base.is_dir() else Path("/sys/fs/cgroup")
    cgroup = base / f"notifier-test.{os.getpid()}"
    cgroup.mkdir()
    return cgroup


def _remove(cgroup: Path) -> None:
    """Remove a control group and those below it, once nobody is left in them."""
    for _ in range(100):
        for folder in sorted((path for path in cgroup.rglob("*") if path.is_dir()), reverse=True):
            with suppress(OSError):
                folder.rmdir()
        with suppress(OSError):
            cgroup.rmdir()
            return
        for procs in (cgroup, *cgroup.rglob("*")):
            with suppress(OSError, ValueError):
                for pid in (procs / "cgroup.procs").read_text().split():
                    os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.05)
