"""Runs an unpacked image as a container runtime would, with the kernel's namespaces alone.

The root file system is read-only, even /tmp; the process is process 1 of its PID namespace, runs
as the image's user, and has no capability. All containers of a pod share one loopback network.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.container.image import Image

PATIENCE = 180.0
_NAMESPACES = ("--mount", "--pid", "--uts", "--ipc", "--propagation", "private")
_ENTER = """
set -eu
root=$1; shift
mount --bind "$root" "$root"
while [ "$1" != -- ]; do
    mount --bind "$1" "$root$2"
    [ "$3" = rw ] || mount -o remount,bind,ro "$root$2"
    shift 3
done
shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"
"""


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of this machine inside a container."""

    source: Path
    target: str
    writable: bool = False


@dataclass
class Container:
    """A started container; what it printed is in `output`."""

    process: subprocess.Popen[bytes]
    output: Path
    prefix: Sequence[str]

    @property
    def pid(self) -> int:
        """The container's process 1, as this machine sees it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def said(self) -> str:
        """Return what it printed so far."""
        return self.output.read_text(errors="replace")

    def wait_until_said(self, words: str) -> None:
        """Wait until it has printed `words`; fail if it ends without."""
        eventually(lambda: words in self.said() or self.process.poll() is not None, self.said)
        assert words in self.said(), self.said()

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as `docker exec` does."""
        inside = ("nsenter", "-t", str(self.pid), "-m", "-p", "-n", "-r", "-w", "--")
        return subprocess.run(
            [*inside, *self.prefix, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def kill(self) -> None:
        """End whatever is left of it.

        Process 1 has to be killed itself: the kernel forgets unshare's wish that it dies with its
        parent when it becomes another user.
        """
        if self.process.poll() is None:
            try:
                os.kill(self.pid, signal.SIGKILL)  # unshare ends with it
            except (IndexError, ProcessLookupError):  # it has not begun, or ends just now
                self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Send SIGTERM to process 1; return the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(PATIENCE)


@dataclass
class Pod:
    """A loopback network, and the containers in it; names of containers lead to it."""

    image: Image
    folder: Path
    network: Sequence[str]
    containers: list[Container] = field(default_factory=list)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        binds: Sequence[Bind] = (),
    ) -> Container:
        """Start a container; `command` follows the image's environment and user."""
        root = self._prepare(name, binds)
        prefix = self._prefix(environment or {})
        placed = [
            word
            for bind in (*binds, Bind(self.folder / "hosts", "/etc/hosts"))
            for word in (str(bind.source), bind.target, "rw" if bind.writable else "ro")
        ]
        output = self.folder / f"{name}.out"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [
                    *self.network,
                    *("unshare", *_NAMESPACES, "--fork", "--kill-child", "--"),
                    *("sh", "-c", _ENTER, "sh", str(root), *placed, "--", *prefix, *command),
                ],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        self.containers.append(Container(process, output, prefix))
        return self.containers[-1]

    def _prefix(self, environment: Mapping[str, str]) -> list[str]:
        """Return what comes before a command: the user, no rights, and the variables."""
        user, group = self.image.settings["User"].split(":")
        variables = {**self.image.environment, **environment}
        return [
            *("setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--no-new-privs"),
            *("--bounding-set=-all", "--inh-caps=-all", "--"),
            *("env", "-i", *(f"{key}={value}" for key, value in variables.items())),
        ]

    def _prepare(self, name: str, binds: Sequence[Bind]) -> Path:
        """Return a root of the container's own, with a place for each bind."""
        root = self.folder / f"{name}.root"
        # a copy of the folders alone: files are the image's own, and nothing writes to them
        subprocess.run(["cp", "-al", self.image.root, root], check=True)
        for bind in (*binds, Bind(self.folder / "hosts", "/etc/hosts")):
            place = root / bind.target.lstrip("/")
            if bind.source.is_dir():
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.touch()
        return root


def need_namespaces() -> None:
    """Skip the test where containers, and networks of their own, cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("namespaces need root")
    tried = subprocess.run(
        ["unshare", *_NAMESPACES, "--net", "--fork", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode != 0:
        pytest.skip(f"namespaces cannot be made here: {tried.stderr.strip()}")
    if shutil.which("ip") is None:
        pytest.skip("ip is missing (Debian package iproute2)")


@contextmanager
def loopback_network() -> Iterator[Sequence[str]]:
    """Make a network of its own; yield what runs a command in it.

    Its ports are free, whatever else runs on this machine.
    """
    holder = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"up\n"
        yield ("nsenter", f"--net=/proc/{holder.pid}/ns/net", "--")
        holder.stdout.close()
    finally:
        holder.kill()
        holder.wait()


@contextmanager
def pod(image: Image, folder: Path, *names: str) -> Iterator[Pod]:
    """Make a network in which `names` are this machine; end its containers with the block."""
    (folder / "hosts").write_text(f"127.0.0.1 localhost {' '.join(names)}\n")
    with loopback_network() as network:
        made = Pod(image, folder, network)
        try:
            yield made
        finally:
            for container in made.containers:
                container.kill()


def eventually(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    """Look until `condition` holds; fail after PATIENCE, saying `what` is the case."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(what())
