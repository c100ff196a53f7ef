"""Says now and then how many log lines were left out, so that none is missed silently."""

import trio

from notifier import log

_REPORT_EVERY = 60.0


async def report_suppressed_lines() -> None:
    """Log once a minute what the log's limits have left out, for ever."""
    try:
        while True:
            await trio.sleep(_REPORT_EVERY)
            log.report_suppressed()
    finally:
        log.report_suppressed()
