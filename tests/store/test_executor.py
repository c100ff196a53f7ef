"""The thread of the store: it comes when there is work; a refused one is an error, no end."""

import threading
from unittest.mock import patch

import pytest

from notifier.errors import StoreError
from notifier.store.executor import ThreadExecutor


async def test_what_a_function_returns_or_raises_is_handed_back() -> None:
    executor = ThreadExecutor()
    assert await executor.run(threading.get_ident) != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        await executor.run(divmod, 1, 0)
    assert await executor.run(divmod, 7, 2) == (3, 1)


async def test_a_thread_that_the_system_refuses_is_an_error_and_the_next_one_works() -> None:
    executor = ThreadExecutor()
    refused = RuntimeError("can't start new thread")
    with (
        patch.object(threading.Thread, "start", side_effect=refused),
        pytest.raises(StoreError, match="no thread"),
    ):
        await executor.run(divmod, 7, 2)
    assert await executor.run(divmod, 7, 2) == (3, 1)
