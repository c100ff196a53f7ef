"""A TCP stream that costs little more than its system calls.

trio's own goes through several layers for each call, and tries to read before anything can have
arrived: together that costs more than parsing a whole answer. Sending is no checkpoint as long
as the system takes everything at once; the caller then waits for an answer, which is one.
"""

import errno
import select
import socket

import trio

_BAD_DESCRIPTOR = errno.EBADF


class TcpStream(trio.abc.Stream):
    """A stream over a connected, non-blocking socket."""

    def __init__(self, connected: socket.socket) -> None:
        if connected.family != socket.AF_UNIX:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = connected
        self._idle = select.poll()
        self._idle.register(connected.fileno(), select.POLLIN)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything; raises trio.BrokenResourceError, trio.ClosedResourceError."""
        left = memoryview(data)
        while left:
            try:
                left = left[self.socket.send(left) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self.socket)
            except OSError as error:
                raise _broken(error) from error

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the system takes more."""
        await trio.lowlevel.wait_writable(self.socket)

    async def receive_some(self, max_bytes: int | None = 65536) -> bytes:
        """Return what has arrived, at most `max_bytes`, b"" at the end.

        Raises trio.BrokenResourceError, trio.ClosedResourceError.
        """
        if self.socket.fileno() < 0:
            raise trio.ClosedResourceError("closed already")
        while True:
            await trio.lowlevel.wait_readable(self.socket)
            try:
                return self.socket.recv(max_bytes or 65536)
            except BlockingIOError:
                continue  # readable by mistake, such as after a wrong checksum
            except OSError as error:
                raise _broken(error) from error

    def send_now(self, data: bytes) -> bool:
        """Send without waiting; return whether the system took everything."""
        try:
            return self.socket.send(data) == len(data)
        except OSError:
            return False

    def receive_now(self, max_bytes: int) -> bytes | None:
        """Return what has arrived, None if nothing has, b"" at the end.

        Raises trio.BrokenResourceError, trio.ClosedResourceError.
        """
        try:
            return self.socket.recv(max_bytes)
        except BlockingIOError:
            return None
        except OSError as error:
            raise _broken(error) from error

    @property
    def descriptor(self) -> int:
        """The descriptor of the socket, to wait for it elsewhere."""
        return self.socket.fileno()

    def receive_buffered(self, max_bytes: int) -> None:
        """Return None: nothing is taken from the socket before it is received."""

    def has_unread(self) -> bool:
        """Tell whether bytes, or the end, have arrived and were not received."""
        return bool(self._idle.poll(0))

    def close(self) -> None:
        """Close at once; does nothing when it is closed already."""
        if self.socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self.socket)
            self.socket.close()

    async def aclose(self) -> None:
        """Close."""
        self.close()
        await trio.lowlevel.checkpoint()


def _broken(error: OSError) -> Exception:
    if error.errno == _BAD_DESCRIPTOR:
        return trio.ClosedResourceError("closed by another task")
    return trio.BrokenResourceError(f"the connection broke: {error}")
