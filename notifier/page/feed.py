"""The feed of changes that all open tabs follow.

Once a second the feed looks for changes and encodes what it finds, once for all followers. The
latest messages are kept: a follower is only a position among them, so that one who reads slowly
costs no memory, and one who comes back continues where it was. A follower whose position is
no longer kept starts over. While nobody follows, nothing is looked at.
"""

import json
import secrets
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import trio

from notifier import log
from notifier.errors import StoreError
from notifier.model.views import Row

EVERY = 1.0
"""The time between two looks, in seconds."""

_KEPT = 60
_MOST_BYTES = 8 * 1024 * 1024
_LINGER = 60.0
_MOST_FOLLOWERS = 200


class Source(Protocol):
    """What changes; see `notifier.page.changes.Changes`."""

    async def begin(self) -> None:
        """Take everything that there is now as seen; raises StoreError."""

    async def look(self) -> Row:
        """Return what changed since the last look, an empty row for nothing."""


@dataclass(frozen=True, slots=True)
class Message:
    """One encoded message, and its id; ids of one run of the feed count up."""

    id: str
    data: bytes


@dataclass(slots=True)
class Feed:
    """Keeps the latest changes of `source`; `run` must be running."""

    source: Source
    followers: int = 0
    _run_id: str = ""
    _number: int = 0
    _messages: deque[Message] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _wanted_until: float = 0.0
    _wanted: trio.Event = field(default_factory=trio.Event)
    _published: trio.Event = field(default_factory=trio.Event)
    _lock: trio.Lock = field(default_factory=trio.Lock)

    async def run(self) -> None:
        """Look for changes for as long as they are wanted, for ever."""
        while True:
            await self._wanted.wait()
            while self._is_wanted():
                await trio.sleep(EVERY)
                await self._look()
            async with self._lock:
                if not self._is_wanted():
                    self._run_id = ""
                    self._messages.clear()
                    self._wanted = trio.Event()

    async def position(self) -> str:
        """Return the id of the latest message; what is read after this call is not older.

        Raises StoreError when the store cannot be read.
        """
        self._wanted_until = trio.current_time() + _LINGER
        async with self._lock:
            if not self._run_id:
                await self.source.begin()
                self._run_id = secrets.token_hex(4)
                self._wanted.set()
        return f"{self._run_id}-{self._number}"

    @contextmanager
    def followed(self) -> Iterator[bool]:
        """Yield whether there is room for one more follower, and count it in the block."""
        if self.followers >= _MOST_FOLLOWERS:
            yield False
            return
        self.followers += 1
        try:
            yield True
        finally:
            self.followers -= 1
            self._wanted_until = trio.current_time() + _LINGER

    def after(self, position: str) -> Sequence[Message] | None:
        """Return the messages after a position, None when it is not known any more."""
        run_id, _, number = position.partition("-")
        if run_id != self._run_id or not (number.isascii() and number.isdecimal()):
            return None
        missed = self._number - int(number[:20])
        if not 0 <= missed <= len(self._messages):
            return None
        return [self._messages[index] for index in range(-missed, 0)]

    async def wait(self) -> None:
        """Return when a message comes."""
        await self._published.wait()

    def _is_wanted(self) -> bool:
        return self.followers > 0 or trio.current_time() < self._wanted_until

    async def _look(self) -> None:
        try:
            found = await self.source.look()
        except StoreError as error:
            log.get().warning("page_waits_for_store", reason=str(error))
        except Exception:  # noqa: BLE001 - the page must not end the daemon
            log.get().exception("page_failed")
        else:
            if found:
                self._publish(json.dumps(found, separators=(",", ":")).encode())

    def _publish(self, data: bytes) -> None:
        self._number += 1
        self._messages.append(Message(f"{self._run_id}-{self._number}", data))
        while len(self._messages) > 1 and sum(len(m.data) for m in self._messages) > _MOST_BYTES:
            self._messages.popleft()
        published, self._published = self._published, trio.Event()
        published.set()
