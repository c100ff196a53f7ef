"""The control socket shared with a group, and with nobody else."""

import grp
import os
import socket
import stat
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from structlog.testing import capture_logs

from notifier.control import SocketRefusedError, listen_unix
from tests.process.harness import running, world

GROUP = "daemon"
STRANGER = 65_533


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder that everybody may pass."""
    if os.geteuid() != 0:
        pytest.skip("another user's view needs root")
    with tempfile.TemporaryDirectory(prefix="n", dir="/tmp") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def connects(path: Path, *groups: int) -> bool:
    """Tell whether a user without rights of its own can connect, as a member of `groups`."""
    with warnings.catch_warnings():
        # threads are no trouble: the child makes a few system calls and ends
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _connect_as_stranger(str(path), groups)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _connect_as_stranger(path: str, groups: Sequence[int]) -> NoReturn:
    code = 1
    try:
        os.setgroups(groups)
        os.setgid(STRANGER)
        os.setuid(STRANGER)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(path)
            code = 0
    finally:
        os._exit(code)


@pytest.mark.parametrize("group", [GROUP, str(grp.getgrnam(GROUP).gr_gid), "54321"])
def test_members_of_the_group_may_connect_and_others_may_not(folder: Path, group: str) -> None:
    gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    with capture_logs() as logs, listen_unix(folder / "s", group):
        assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o660
        assert connects(folder / "s", gid)
        assert not connects(folder / "s")
    assert logs == []


def test_without_a_group_only_the_owner_may_connect(folder: Path) -> None:
    with listen_unix(folder / "s"):
        assert not connects(folder / "s", grp.getgrnam(GROUP).gr_gid)


def test_a_folder_that_shuts_the_group_out_is_named(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o700)
    with capture_logs() as logs, listen_unix(folder / "closed" / "s", GROUP):
        pass
    (warning,) = logs
    assert warning["event"] == "socket_group_shut_out"
    assert warning["folder"] == str(folder / "closed")
    assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o700


def test_a_group_that_does_not_exist_is_refused_in_one_sentence(folder: Path) -> None:
    with pytest.raises(SocketRefusedError, match="there is no group 'no-such-group'") as refused:
        listen_unix(folder / "s", "no-such-group")
    assert refused.value.exit_code == 78


async def test_a_daemon_shares_its_socket_with_the_configured_group(
    folder: Path, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.config["http"] = {"socket": str(folder / "s"), "socket_group": GROUP}
        async with running(w.save()):
            assert connects(folder / "s", grp.getgrnam(GROUP).gr_gid)
            assert not connects(folder / "s")
