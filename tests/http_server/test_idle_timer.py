"""A connection that is idle for long is closed, and none on which a request has just come."""

import socket
import time

import trio
from hypercorn.trio.task_group import TaskGroup
from trio.testing import MockClock

from notifier.http_server.conversation import IdleTimer

LIMIT = 5.0


class Connection:
    """What a timer watches over."""

    def __init__(self, tasks: TaskGroup, limit: float = LIMIT) -> None:
        self.timer = IdleTimer(limit)
        self.closed = False
        self._tasks = tasks

    async def close(self) -> None:
        self.closed = True

    async def rest(self) -> None:
        await self.timer.restart(self._tasks, self.close)


async def test_an_idle_connection_is_closed_after_the_limit(autojump_clock: MockClock) -> None:
    async with TaskGroup() as tasks:
        connection = Connection(tasks)
        await connection.rest()
        await trio.sleep(LIMIT - 1)
        assert not connection.closed
        await trio.sleep(2)
        assert connection.closed


async def test_a_request_that_comes_as_the_time_is_over_keeps_the_connection(
    autojump_clock: MockClock,
) -> None:
    kept = 0
    async with TaskGroup() as tasks:
        while kept < 10:  # which of two tasks that are due runs first is left to chance
            connection = Connection(tasks)
            await connection.rest()
            await trio.sleep(LIMIT)
            was_closed = connection.closed
            await connection.timer.stop()
            await trio.sleep(3 * LIMIT)
            assert connection.closed == was_closed
            kept += not was_closed
            connection.timer.end()


async def test_a_connection_is_closed_also_after_such_a_request(autojump_clock: MockClock) -> None:
    async with TaskGroup() as tasks:
        connection = Connection(tasks)
        await connection.rest()
        await trio.sleep(LIMIT - 1)
        await connection.timer.stop()
        await trio.sleep(LIMIT)
        await connection.rest()
        await trio.sleep(LIMIT + 1)
        assert connection.closed


async def test_what_has_come_while_the_process_stood_still_keeps_the_connection() -> None:
    async def read() -> None:
        while await ours.recv(1):
            await connection.timer.stop()

    client, accepted = socket.socketpair()
    with client, trio.socket.from_stdlib_socket(accepted) as ours:
        async with TaskGroup() as tasks:
            connection = Connection(tasks, limit=0.01)
            tasks.spawn(read)
            for _ in range(10):
                await connection.rest()
                client.send(b".")
                time.sleep(0.02)  # noqa: ASYNC251 - stands still
                await trio.sleep(0.02)
                assert not connection.closed
            connection.timer.end()
            client.shutdown(socket.SHUT_WR)
