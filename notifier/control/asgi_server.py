"""Serving the control API with hypercorn, inside the daemon's own nursery."""

import logging
import os
import socket
from functools import partial
from typing import cast

import hypercorn.trio
import trio
from hypercorn.config import Config
from hypercorn.typing import ASGIFramework
from starlette.types import ASGIApp

_READ_TIMEOUT = 30
_KEEP_ALIVE = 30.0


async def serve_api(
    app: ASGIApp,
    sock: socket.socket,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `app` on a listening socket until cancelled."""
    config = Config()
    config.bind = [f"fd://{os.dup(sock.fileno())}"]
    # the daemon logs what it does; hypercorn's log would be a second one on stderr
    config.accesslog = None
    config.errorlog = _quiet_logger()
    config.include_server_header = False
    config.read_timeout = _READ_TIMEOUT
    config.keep_alive_timeout = _KEEP_ALIVE
    config.graceful_timeout = 1.0
    config.shutdown_timeout = 1.0
    # hypercorn describes ASGI's messages more narrowly than starlette does
    serving = partial(
        hypercorn.trio.serve,
        cast("ASGIFramework", app),
        config,
        shutdown_trigger=trio.sleep_forever,
        mode="asgi",
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(serving)
        task_status.started()


def _quiet_logger() -> logging.Logger:
    logger = logging.getLogger("hypercorn.error")
    logger.setLevel(logging.WARNING)
    return logger
