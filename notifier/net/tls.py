"""A TLS stream that can tell whether it holds unread data.

Data that a server sent after its answer may be buffered, decrypted or still encrypted, above the
socket, where polling the socket does not show it. trio's own stream does not expose that buffer,
so that its content would be read as the answer to the next request. One task may read while
another one writes.
"""

import ssl
from collections.abc import Callable
from typing import TypeVar

import trio

from notifier.net.tcp import TcpStream

T = TypeVar("T")


class TlsStream(trio.abc.Stream):
    """Speaks TLS to `host` over `below`, after `do_handshake`; `below` may itself be a tunnel.

    As is usual with HTTP, it sends no close_notify and expects none: the end of the connection
    below is the end of this one.
    """

    def __init__(self, below: "TcpStream | TlsStream", context: ssl.SSLContext, host: str) -> None:
        self._below = below
        self._sending = trio.Lock()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        # RFC 6066, section 3: without the dot that marks a name as complete; nor do certificates
        # have it
        name = host.removesuffix(".")
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    async def do_handshake(self) -> None:
        """Agree on keys and verify the certificate; raises trio.BrokenResourceError."""
        await self._until_done(self._tls.do_handshake)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything; raises trio.BrokenResourceError, trio.ClosedResourceError."""
        if data:  # OpenSSL takes an empty write for the end
            await self._until_done(lambda: self._tls.write(data))

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the system takes more."""
        await self._below.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has arrived, at most `max_bytes`, b"" at the end.

        Raises trio.BrokenResourceError, trio.ClosedResourceError.
        """
        if self._has_buffered():
            await trio.lowlevel.checkpoint()  # other tasks run between pieces
        else:
            await self._fill()
        try:
            return await self._until_done(lambda: self._tls.read(max_bytes or 65536))
        except trio.BrokenResourceError as error:
            if isinstance(error.__cause__, ssl.SSLEOFError):
                return b""
            raise

    def send_now(self, data: bytes) -> bool:
        """Send without waiting; return whether the system took everything."""
        try:
            self._tls.write(data)
        except ssl.SSLError:
            return False
        return self._below.send_now(self._outgoing.read())

    def receive_now(self, max_bytes: int) -> bytes | None:
        """Return what has arrived, None if nothing has, b"" at the end.

        Raises trio.BrokenResourceError, trio.ClosedResourceError.
        """
        while True:
            data = self.receive_buffered(max_bytes)
            if data is not None or not self._fill_now(max_bytes):
                return data

    def receive_buffered(self, max_bytes: int) -> bytes | None:
        """Do as `receive_now`, with what has been taken from the socket before."""
        try:
            return self._tls.read(max_bytes)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLEOFError:
            return b""
        except ssl.SSLError as error:
            raise trio.BrokenResourceError(f"TLS broke: {error.reason}") from error

    @property
    def descriptor(self) -> int:
        """The descriptor of the socket, to wait for it elsewhere."""
        return self._below.descriptor

    def has_unread(self) -> bool:
        """Tell whether bytes, or the end, have arrived and were not received."""
        return self._has_buffered() or self._below.has_unread()

    def close(self) -> None:
        """Close at once; does nothing when it is closed already."""
        self._below.close()

    async def aclose(self) -> None:
        """Close."""
        await self._below.aclose()

    def _has_buffered(self) -> bool:
        return bool(self._incoming.pending or self._tls.pending())

    async def _until_done(self, operation: Callable[[], T]) -> T:
        """Repeat `operation` until it needs no more input, and send what it produces."""
        while True:
            try:
                result = operation()
            except ssl.SSLWantReadError:
                await self._send()
                await self._fill()
            except ssl.SSLError as error:
                raise trio.BrokenResourceError(f"TLS broke: {error.reason}") from error
            else:
                await self._send()
                return result

    async def _send(self) -> None:
        if not self._outgoing.pending:
            return
        # one task may read while another writes, and both may have records to send
        try:
            self._sending.acquire_nowait()
        except trio.WouldBlock:
            await self._sending.acquire()
        try:
            await self._below.send_all(self._outgoing.read())
        finally:
            self._sending.release()

    async def _fill(self) -> None:
        self._add(await self._below.receive_some())

    def _fill_now(self, max_bytes: int) -> bool:
        """Take in what has arrived, and send what that calls for; return if anything had."""
        if self._outgoing.pending and not self._below.send_now(self._outgoing.read()):
            raise trio.BrokenResourceError("TLS broke: the system takes no more")
        data = self._below.receive_now(max_bytes)
        if data is None:
            return False
        self._add(data)
        return True

    def _add(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
