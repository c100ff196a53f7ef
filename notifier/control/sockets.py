"""Opens the control API's sockets: private from the start, never in place of another's."""

import errno
import os
import socket
import stat
import struct
from contextlib import suppress
from pathlib import Path

from notifier.config import private_folder
from notifier.control.socket_group import SocketRefusedError, share_with

_BACKLOG = 4096
"""How many may wait to be accepted: all that pass-through serves at a time. The system's own limit
holds where it is lower (`net.core.somaxconn`, 4,096 on Linux)."""

_MAX_PATH = 107
_PEER = struct.Struct("3i")
_EXIT_CONFIG = 78


def listen_unix(path: Path, group: str | None = None) -> socket.socket:
    """Listen at `path`, for this user and the members of `group`; raises SocketRefusedError.

    A socket that a dead process left there is replaced, anything else is not.
    """
    if len(os.fsencode(path)) > _MAX_PATH:
        raise SocketRefusedError(
            f"the control socket's path {path} is longer than {_MAX_PATH} bytes: "
            "set a shorter [http] socket",
            exit_code=_EXIT_CONFIG,
        )
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _make_folder(path.parent)
        _clear(path)
        before = os.umask(0o177)
        try:
            sock.bind(str(path))
        finally:
            os.umask(before)
        if group is not None:
            share_with(group, path)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise SocketRefusedError(f"cannot listen at {path}: {error.strerror}") from None
    except BaseException:
        sock.close()
        raise
    return sock


def _make_folder(folder: Path) -> None:
    """Make the socket's folder, for this user alone; one in /tmp must be this user's."""
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    found = folder.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if folder == private_folder() and not (is_ours and not found.st_mode & 0o022):
        raise SocketRefusedError(
            f"{folder} is not this user's alone: set [http] socket to another path"
        )


def _clear(path: Path) -> None:
    """Remove a socket without a listener; raises SocketRefusedError for anything else."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketRefusedError(f"{path} is there and is not a socket: it is left alone")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:
            raise SocketRefusedError(f"cannot listen at {path}: {error.strerror}") from None
        listener = _listener(probe)
    raise SocketRefusedError(
        f"another process listens at {path}{listener}: stop it, or set [http] socket to another "
        "path"
    )


def _listener(probe: socket.socket) -> str:
    """Return the pid of the process at the other end, as words; nothing where it is unknown."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return ""
    pid, _, _ = _PEER.unpack(probe.getsockopt(socket.SOL_SOCKET, option, _PEER.size))
    return f" (pid {pid})" if pid else ""


def remove_unix(path: Path) -> None:
    """Remove the socket's file."""
    with suppress(OSError):
        path.unlink()


def listen_tcp(host: str, port: int) -> socket.socket:
    """Listen on TCP; raises SocketRefusedError."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "another process listens there" if taken else error.strerror
        raise SocketRefusedError(f"cannot listen on {host} port {port}: {reason}") from None
