"""Small disks of a test's own, to be filled and broken; they need root to be mounted."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def sh(*command: str | Path) -> None:
    """Run a command; skip the test when this machine does not allow it."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine refuses {command[0]}: {done.stderr.strip()}")


@contextmanager
def mounted(where: Path, *options: str | Path) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("mounting a disk for the test needs root")
    where.mkdir(mode=0o700, exist_ok=True)
    sh("mount", *options, where)
    try:
        yield
    finally:
        # a daemon that was killed a moment ago may still be letting go
        sh("umount", "--lazy", where)


@contextmanager
def small_disk(where: Path, size: str = "1m") -> Iterator[None]:
    """Mount a disk that is soon full at `where`."""
    with mounted(where, "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs"):
        yield


def make_read_only(where: Path) -> None:
    """Let the disk at `where`, on which no file is open, be read only."""
    sh("mount", "-o", "remount,ro", where)


def ext4_image(path: Path) -> Path:
    """Return a file with a file system in it that goes read-only at its first error."""
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is missing (Debian package e2fsprogs)")
    with path.open("wb") as file:
        file.truncate(8 * 1024 * 1024)
    sh("mkfs.ext4", "-q", "-O", "^has_journal", path)
    return path


def fail_file_system(where: Path) -> None:
    """Let the ext4 at `where` find an error, after which the kernel refuses all writing."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    (device,) = {Path(source).name for source, target, *_ in mounts if target == str(where)}
    Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("a test\n")


def fill(folder: Path) -> Path:
    """Use up all space of the disk that `folder` is on; deleting the result gives it back."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        size = 65536
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    return filler
