"""One copy while it is written: its bytes, its hash, and what is surely on the disk."""

import hashlib
import os
from typing import BinaryIO


class PartFile:
    """Writes pieces to an open file and hashes them; every method blocks and raises OSError.

    `reserved` is how many bytes of the archive are reserved for what is still to come.
    """

    def __init__(self, file: BinaryIO, written: int, hashed: "hashlib._Hash") -> None:
        self._file = file
        self._hash = hashed
        self.written = written
        self.synced = written
        self.reserved = 0

    def write(self, data: bytes) -> None:
        """Write all of `data`."""
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self._hash.update(data)
        self.written += len(data)

    def sync(self) -> None:
        """Have everything on the disk that was written."""
        os.fsync(self._file.fileno())
        self.synced = self.written

    def beginning(self) -> bytes:
        """Return the first bytes of the file."""
        return os.pread(self._file.fileno(), 16, 0)

    def sha256(self) -> str:
        """Return the SHA-256 of what was written, in hex."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
