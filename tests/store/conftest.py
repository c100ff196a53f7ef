"""The contract of the store: what holds for a store in a file holds for one in PostgreSQL."""

from collections.abc import Callable, Iterator

import pytest

from tests.builders import databases_from
from tests.postgres import Server


@pytest.fixture(params=["sqlite", "postgres"])
def each_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a test of stores that `memory_store` makes on every engine."""
    if request.param == "sqlite":
        yield
        return
    server: Server = request.getfixturevalue("server")
    from notifier.store.postgres.database import PostgresDatabase  # noqa: PLC0415 - an extra

    def new_url(server: Server) -> Callable[[], str]:
        url = server.new_url()
        return lambda: url

    with databases_from(lambda: PostgresDatabase(new_url(server))):
        yield
