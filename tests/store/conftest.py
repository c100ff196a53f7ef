"""The contract of the store: what holds for a store in a file holds for one in PostgreSQL."""

from collections.abc import Iterator

import pytest

from tests import postgres
from tests.builders import databases_from
from tests.postgres import Server, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Run one server for all tests of this process; each store has a schema of its own."""
    if reason := postgres.missing():
        pytest.skip(reason)
    with running_server() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def each_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a test of stores that `memory_store` makes on every engine."""
    if request.param == "sqlite":
        yield
        return
    server: Server = request.getfixturevalue("server")
    from notifier.store.postgres.database import PostgresDatabase  # noqa: PLC0415 - an extra

    with databases_from(lambda: PostgresDatabase(server.new_url())):
        yield
