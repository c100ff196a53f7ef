"""A fake journal socket that keeps what it receives."""

import fcntl
import os
import socket
import struct
from pathlib import Path

_MOST = 1 << 20


class FakeJournal:
    """Listens where systemd's journal would, and reads the native protocol."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.files = 0

    def entries(self) -> list[dict[str, str]]:
        """Return what has come since the last time."""
        self._socket.settimeout(0)
        found: list[dict[str, str]] = []
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(self._socket, _MOST, 1)
            except BlockingIOError:
                return found
            for fd in fds:
                self.files += 1
                data = _sealed(fd)
            found.append(_parsed(data))

    def close(self) -> None:
        self._socket.close()


def _sealed(fd: int) -> bytes:
    seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    assert seals & fcntl.F_SEAL_WRITE
    assert seals & fcntl.F_SEAL_SHRINK
    with os.fdopen(fd, "rb") as file:
        file.seek(0)
        return file.read()


def _parsed(data: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    while data:
        head, _, data = data.partition(b"\n")
        name, equals, value = head.partition(b"=")
        if not equals:
            (size,) = struct.unpack("<Q", data[:8])
            value, data = data[8 : 8 + size], data[8 + size :]
            assert data[:1] == b"\n"
            data = data[1:]
        assert name.decode() not in fields
        fields[name.decode()] = value.decode()
    return fields
