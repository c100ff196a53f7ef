"""Writes that must not be lost: repeated until the store has them."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

import trio

from notifier.errors import StoreError
from notifier.log import Logger
from notifier.schedule.backoff import growing, jittered

T = TypeVar("T")

_PAUSE = 1.0
_LONGEST_PAUSE = 30.0


async def until_stored(
    write: Callable[[], Awaitable[T]], logger: Logger, event_id: str, rng: Random
) -> T:
    """Repeat `write`, about one event, until it raises no StoreError; return its result."""
    failures = 0
    while True:
        try:
            return await write()
        except StoreError as error:
            failures += 1
            logger.error(  # noqa: TRY400 - the store has said it in a sentence
                "attempt_not_recorded", event_id=event_id, reason=str(error)
            )
            await trio.sleep(jittered(growing(_PAUSE, failures, _LONGEST_PAUSE), rng))
