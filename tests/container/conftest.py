"""The image, built once for all processes of a test run.

Building takes minutes: $NOTIFIER_TEST_IMAGE may name a folder that keeps it between runs.
"""

import fcntl
import os
from pathlib import Path

import pytest

from tests.container.image import Image, build, built_before, need_builder
from tests.container.runtime import need_namespaces


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Image:
    """Build the image, or wait for the process that does."""
    need_builder()
    need_namespaces()
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "image"
    folder = Path(os.environ.get("NOTIFIER_TEST_IMAGE") or shared)
    folder.mkdir(exist_ok=True)
    with Path(folder, "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return built_before(folder) or build(folder)
