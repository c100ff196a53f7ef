"""Builds the Dockerfile with buildah and unpacks the image for the tests.

No registry is needed: a Debian made with debootstrap stands in for the Python image that the
Dockerfile starts from. It has Python, and this machine's certificates, so that pip can reach an
index. The build runs with chroot isolation, which needs no container runtime.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from tests.container.dockerfile import CHECKOUT

_TOOLS = ("buildah", "debootstrap")
_PACKAGES = "python3,python3-venv,ca-certificates"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_BASE = "localhost/python"
_IMAGE = "localhost/notifier"
_PATIENCE = 900.0


@dataclass(frozen=True, slots=True)
class Image:
    """An unpacked image: its root file system, and its settings as Docker names them."""

    root: Path
    settings: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        """The variables that each process starts with."""
        return dict(each.split("=", 1) for each in self.settings["Env"])


def need_builder() -> None:
    """Skip the test where no image can be built."""
    if os.geteuid() != 0:
        pytest.skip("building an image in a chroot needs root")
    for tool in _TOOLS:
        if shutil.which(tool) is None:
            pytest.skip(
                f"{tool} is missing (a Debian package): test_dockerfile runs the build's steps"
            )


def build(folder: Path) -> Image:
    """Build the image and unpack it below `folder`; what the builder stored is removed."""
    builder = _Builder.that_works(folder / "storage")
    _build_base(builder)
    built = builder.run(
        *("build", "--isolation", "chroot", "--format", "docker"),
        *("--build-arg", f"PYTHON={_BASE}", "--tag", _IMAGE, str(CHECKOUT)),
        check=False,
    )
    if built.returncode != 0 and "No matching distribution" in built.stderr:
        pytest.skip(f"no package index can be reached from here: {built.stderr[-300:]}")
    assert built.returncode == 0, built.stdout + built.stderr
    container = builder.run("from", _IMAGE).stdout.strip()
    mounted = builder.run("mount", container).stdout.strip()
    root = folder / "root"
    subprocess.run(["cp", "-a", mounted, root], check=True)
    inspected = builder.run("inspect", "--type", "image", _IMAGE).stdout
    settings = json.loads(inspected)["Docker"]["config"]
    (folder / "settings.json").write_text(json.dumps(settings))
    builder.run("rm", "--all")
    shutil.rmtree(folder / "storage")
    return Image(root, settings)


def built_before(folder: Path) -> Image | None:
    """Return the image that another process of the test run built, if it did."""
    settings = folder / "settings.json"
    return Image(folder / "root", json.loads(settings.read_text())) if settings.exists() else None


@dataclass(frozen=True, slots=True)
class _Builder:
    """buildah, with a storage of its own; the driver `vfs` copies every layer whole."""

    storage: Path
    driver: str

    @classmethod
    def that_works(cls, storage: Path) -> Self:
        """Return one with overlays, or with copies where there can be no overlays."""
        fast = cls(storage, "overlay")
        tried = fast.run("from", "scratch", check=False)
        if tried.returncode == 0 and fast.run("mount", tried.stdout.strip(), check=False).stdout:
            return fast
        return cls(storage, "vfs")

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of buildah's to its end."""
        places = ("--root", str(self.storage / "root"), "--runroot", str(self.storage / "run"))
        done = subprocess.run(
            ["buildah", *places, "--storage-driver", self.driver, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
            # else it would start itself again in a user namespace
            env={**os.environ, "BUILDAH_ISOLATION": "chroot", "_CONTAINERS_USERNS_CONFIGURED": ""},
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


def _build_base(builder: _Builder) -> None:
    container = builder.run("from", "scratch").stdout.strip()
    root = Path(builder.run("mount", container).stdout.strip())
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", "stable", root],
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    if made.returncode != 0:
        pytest.skip(f"debootstrap cannot make a Debian here: {made.stdout[-300:]}")
    shutil.copy(_CERTIFICATES, root / _CERTIFICATES.lstrip("/"))
    (root / "etc/pip.conf").write_text(f"[global]\ncert = {_CERTIFICATES}\n")
    builder.run("config", "--env", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    builder.run("commit", "--quiet", "--rm", container, _BASE)
