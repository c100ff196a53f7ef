"""What every test is surrounded by."""

import os
import resource
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import postgres
from tests.builders import close_memory_databases
from tests.postgres import Server, running_server

# a shell lets its background jobs ignore Ctrl-C, and what tests start would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)

# an installed notifier is loaded compiled: without this, where the environment forbids to write
# bytecode, each of the many processes that tests start would compile it anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# how long an example takes says more about the machine than about the code
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def memory_databases_are_closed() -> Iterator[None]:
    yield
    close_memory_databases()


@pytest.fixture
def many_files() -> Iterator[None]:
    """Allow this process as many open files as the system does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Run one server for all tests of this process; each store has a schema of its own."""
    if reason := postgres.missing():
        pytest.skip(reason)
    with running_server() as server:
        yield server
