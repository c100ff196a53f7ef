"""A store that this user may read but not write beside."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notifier.errors import StoreError
from notifier.store import Database, open_reader

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder that every user may read; those of pytest are for their owner alone."""
    path = Path(tempfile.mkdtemp(prefix="n"))
    path.chmod(0o755)
    yield path
    path.chmod(0o755)
    shutil.rmtree(path)


@contextmanager
def without_rights() -> Iterator[None]:
    """Act as a user whom permissions bind; they do not bind root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_store_in_a_folder_that_is_read_only_is_refused_with_what_to_do(folder: Path) -> None:
    path = folder / "notifier.db"
    Database.open(path, folder / "config.toml").close()
    path.chmod(0o444)
    folder.chmod(0o555)
    refusal = pytest.raises(StoreError, match=r"cannot be read.*user of the daemon")
    with without_rights(), refusal, open_reader(path):
        pass
