"""Keeps a part of the daemon running whose crash must not stop the others."""

from collections.abc import Awaitable, Callable

import trio

from notifier import log
from notifier.schedule.backoff import growing

_RESTART, _LONGEST_RESTART = 1.0, 300.0


async def keep_running(
    run: Callable[[], Awaitable[None]], scope: trio.CancelScope, event: str, gateway: str
) -> None:
    """Run a part of `gateway` until `scope` is cancelled, and again after every crash.

    A crash is logged as `event`. The part begins anew from what the store has.
    """
    crashes = 0
    with scope:
        while True:
            try:
                await run()
            except Exception:  # noqa: BLE001 - its bug must not stop the other parts
                crashes += 1
                wait = growing(_RESTART, crashes, _LONGEST_RESTART)
                log.get(gateway=gateway).exception(event, restart_in=wait)
                await trio.sleep(wait)
