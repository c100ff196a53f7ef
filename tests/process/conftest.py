"""What tests of processes need beside `tests/conftest.py`."""

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.postgres import Server, running_server


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    """Run a server that syncs its commits and may be crashed."""
    if reason := postgres.missing():
        pytest.skip(reason)
    with running_server(fsync=True) as server:
        yield server
