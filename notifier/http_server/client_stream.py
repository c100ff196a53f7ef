"""A client's connection, on which no write waits for ever."""

import socket
import struct
from contextlib import suppress

import trio

from notifier.net import TcpStream

_PIECE = 64 * 1024
_MOST_FORGOTTEN = 1024 * 1024
_AT_ONCE = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing resets the connection."""


class ClientStream(trio.abc.HalfCloseableStream):
    """Wraps an accepted connection: a client that does not read is given up.

    hypercorn shields its writes from cancellation, so that without a limit a client that reads
    nothing would hold the connection, and the end of the daemon, for ever.
    """

    def __init__(self, stream: TcpStream, write_timeout: float) -> None:
        """`write_timeout` is how long 64 KiB of an answer may take, in seconds."""
        self._stream = stream
        self._write_timeout = write_timeout
        self._held = b""
        self._holds = False
        self.unfinished = False
        """Whether an answer was begun and not ended: the connection then ends with a reset.

        A client cannot take what it has for a whole answer then, whatever its framing.
        """
        self.socket = stream.socket
        """Where hypercorn reads the two addresses from."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Read from the client."""
        return await self._stream.receive_some(max_bytes)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Write to the client; raises BrokenResourceError when it reads too slowly."""
        if self._holds:
            self._held, self._holds = bytes(data), False
            return
        if self._held:
            data, self._held = self._held + data, b""
        for start in range(0, len(data), _PIECE):
            with trio.move_on_after(self._write_timeout) as writing:
                await self._stream.send_all(data[start : start + _PIECE])
            if writing.cancelled_caught:
                self.abort()
                raise trio.BrokenResourceError("the client does not read")

    def hold(self) -> None:
        """Keep what is written next, and send it together with what is written after it."""
        self._holds = True

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the client may take more."""
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        """Tell the client that nothing follows."""
        if self.unfinished:
            self._reset()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise trio.BrokenResourceError(f"the connection broke: {error}") from error

    async def aclose(self) -> None:
        """Close the connection; a client that has sent too much can read its answer first."""
        if self.unfinished:
            self._reset()
        self._forget_unread()
        await self._stream.aclose()

    def _forget_unread(self) -> None:
        """Take what has come and nobody reads: left there, it would reset the connection."""
        with suppress(OSError):
            for _ in range(_MOST_FORGOTTEN // _PIECE):
                if not self.socket.recv(_PIECE):
                    return

    def abort(self) -> None:
        """Close the connection now; who reads from it or writes to it is told."""
        if self.unfinished:
            self._reset()
        self._stream.close()

    def _reset(self) -> None:
        if self.socket.fileno() >= 0:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self._stream.close()
