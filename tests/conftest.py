"""What every test is followed by."""

from collections.abc import Iterator

import pytest

from tests.builders import close_memory_databases


@pytest.fixture(autouse=True)
def memory_databases_are_closed() -> Iterator[None]:
    yield
    close_memory_databases()
