"""Shares the control socket with a group, so that another program can use it without root.

A member of the group needs to reach the socket as well: every folder above it must let the group
pass. The folder that systemd makes for the service is opened to the group; any other folder is
the operator's, and is only looked at.
"""

import grp
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from notifier import log
from notifier.errors import NotifierError

_EXIT_CONFIG = 78
_RUNTIME = Path("/run")


class SocketRefusedError(NotifierError):
    """The address cannot be listened on; the message says why."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def share_with(group: str, path: Path) -> None:
    """Let the members of `group` open the socket at `path`, which is this user's alone.

    Raises SocketRefusedError for a group that does not exist or is not this process's.
    """
    gid = _gid(group)
    try:
        # under systemd the call that changes a group is filtered, and not needed with Group=
        if path.stat().st_gid != gid:
            os.chown(path, -1, gid)
        path.chmod(0o660)
    except OSError as error:
        raise SocketRefusedError(
            f"[http] socket_group: {path} cannot be given to the group {group!r} "
            f"({error.strerror}): run notifier as a member of it; for the service, put "
            f"Group={group} under [Service] with: systemctl edit notifier",
            exit_code=_EXIT_CONFIG,
        ) from None
    _open_runtime_folder(path.parent, gid)
    for folder in _closed(path, gid):
        log.get().warning(
            "socket_group_shut_out",
            group=group,
            socket=str(path),
            folder=str(folder),
            hint=f"let the group pass (chgrp {group} and chmod g+x), or set [http] socket",
        )


def _gid(group: str) -> int:
    if group.isascii() and group.isdigit():  # a container may have no name for it
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise SocketRefusedError(
            f"[http] socket_group: there is no group {group!r} on this machine: create it, or "
            "name one of `getent group`",
            exit_code=_EXIT_CONFIG,
        ) from None


def _open_runtime_folder(folder: Path, gid: int) -> None:
    """Let the group pass through a folder below /run that is this process's own."""
    found = folder.stat()
    ours = folder.parent == _RUNTIME and found.st_uid == os.geteuid() and found.st_gid == gid
    if ours and not found.st_mode & stat.S_IXGRP:
        folder.chmod(stat.S_IMODE(found.st_mode) | stat.S_IRGRP | stat.S_IXGRP)


def _closed(path: Path, gid: int) -> Iterator[Path]:
    """Yield the folders above the socket that do not let a member of the group pass."""
    for folder in reversed(path.parents):
        found = folder.stat()
        needed = stat.S_IXGRP if found.st_gid == gid else stat.S_IXOTH
        if not found.st_mode & needed:
            yield folder
