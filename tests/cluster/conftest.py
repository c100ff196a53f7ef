"""What tests of several instances are surrounded by."""

from tests.store.conftest import each_engine

__all__ = ["each_engine"]
