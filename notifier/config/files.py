"""Reading files whose path comes from the configuration, without hanging or filling memory."""

import os
import stat
from pathlib import Path

from notifier.config.bad_value import BadValueError


def read_regular_file(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Raises BadValueError; its text finishes a sentence that starts with the file's name.
    """
    try:
        with open(path, "rb", opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadValueError("is not a regular file")
            content: bytes = file.read(limit + 1)
    except FileNotFoundError:
        raise BadValueError("does not exist") from None
    except OSError as error:
        raise BadValueError(f"cannot be read: {error.strerror}") from None
    if len(content) > limit:
        raise BadValueError(f"is larger than {limit // 1024} KiB")
    return content


def _open(path: str, flags: int) -> int:
    # without O_NONBLOCK, opening a named pipe waits for a writer
    return os.open(path, flags | os.O_NONBLOCK)


def is_world_readable(path: Path) -> bool:
    """Return whether every user of this machine may read `path`; False when it does not exist."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
