"""How many connections the control API keeps open at a time, over all of its listeners.

Half-open and idle connections must not take the descriptors that polling and delivering need. A
part of the room is kept for the Unix socket, so that an operator gets in while TCP is flooded.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

_MOST = 1024
_MOST_PASSED = 4096
_LEAST = 16
_SHARE = 4
_FOR_UNIX = 8


class ConnectionLimit:
    """Counts open connections; `most` of them may be open together.

    The last eighth is for connections over the Unix socket alone.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0

    @classmethod
    def of_process(cls) -> Self:
        """Return the limit for this process: a quarter of its descriptors, at most 1,024.

        With the usual limit of 1,024 descriptors that is 256 connections.
        """
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        descriptors = _MOST * _SHARE if soft == resource.RLIM_INFINITY else soft
        return cls(max(_LEAST, min(_MOST, descriptors // _SHARE)))

    @classmethod
    def for_passthrough(cls) -> Self:
        """Return the limit for requests that are passed on, each with a connection of its own.

        A quarter of the descriptors are for them, as callers, another for their gateways, at most
        4,096 each.
        """
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        descriptors = _MOST_PASSED * _SHARE if soft == resource.RLIM_INFINITY else soft
        most = max(_LEAST, min(_MOST_PASSED, descriptors // _SHARE))
        return cls(most + most // (_FOR_UNIX - 1))

    @contextmanager
    def admitted(self, *, local: bool) -> Iterator[bool]:
        """Yield whether one more connection may be open, and count it for the block's length.

        `local` says that it came over the Unix socket.
        """
        room = self.most if local else self.most - self.most // _FOR_UNIX
        if self.open >= room:
            yield False
            return
        self.open += 1
        try:
            yield True
        finally:
            self.open -= 1
