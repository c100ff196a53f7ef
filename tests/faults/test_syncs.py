"""What is synced before what, and what a sync that kills or fails leaves behind."""

from collections import Counter
from pathlib import Path

import pytest

from tests.faults.tracing import connected_before, end_daemon, need_strace, sent_too_early, traced
from tests.process.harness import Receiver, World, running, world

VIDEOS = ("one", "two")


async def two_jobs(w: World) -> Receiver:
    """Let two jobs end one after the other, for one endpoint."""
    app = await w.receiver()
    w.endpoint(app)
    for number, video_id in enumerate(VIDEOS):
        w.sandbox.create(video_id=video_id, duration=0.4 + number)
    w.watch(*VIDEOS)
    w.save()
    return app


def check_complete(app: Receiver) -> None:
    """Both events have arrived, and each is one and the same however often it was sent."""
    events = {(got.event["data"]["id"], got.id, got.body) for got in app.got}
    assert Counter(video_id for video_id, _, _ in events) == dict.fromkeys(VIDEOS, 1)


async def test_nothing_is_sent_before_the_log_that_holds_it_is_synced(tmp_path: Path) -> None:
    need_strace()
    async with world(tmp_path) as w:
        app = await two_jobs(w)
        code, trace = await traced(w, "-e", "trace=pwrite64,fdatasync,connect,sendto,write")
        lines = trace.read_text(errors="replace").splitlines()

        assert code == 0
        assert sent_too_early(lines) == []
        assert app.got[0].id in connected_before(lines, app.port)
        check_complete(app)


EVENT = "evt_" + "0123456789abcdef" * 2
WRITE = f'7 pwrite64(9</s/notifier.db-wal>, "..{EVENT}..", 4096, 56) = 4096'
SYNC = "7 fdatasync(9</s/notifier.db-wal>) = 0"
POST = f'8 sendto(12<socket:[1]>, "POST / HTTP/1.1\\r\\nwebhook-id: {EVENT}\\r\\n", 9, 0) = 9'
CONNECT = "8 connect(12<socket:[1]>, {sa_family=AF_INET, sin_port=htons(80)}, 16) = 0"


@pytest.mark.parametrize(
    ("lines", "early"),
    [
        ([WRITE, SYNC, POST], []),
        ([WRITE, POST, SYNC], [EVENT]),
        ([SYNC, WRITE, POST], [EVENT]),
        ([WRITE, SYNC.replace("= 0", "= -1 EIO"), POST], [EVENT]),
        ([WRITE, SYNC.replace("notifier.db-wal", "notifier.db"), POST], [EVENT]),
        ([WRITE, "7 fdatasync(9</s/n-wal> <unfinished ...>", POST], [EVENT]),
        (
            [
                *(WRITE, "7 fdatasync(9</s/n-wal> <unfinished ...>", "8 sendto(1, ...) = 1"),
                *("7 <... fdatasync resumed>) = 0", POST),
            ],
            [],
        ),
    ],
)
def test_the_order_is_read_from_a_trace(lines: list[str], early: list[str]) -> None:
    assert sent_too_early(lines) == early


def test_a_connection_that_comes_too_early_is_noticed() -> None:
    assert connected_before([WRITE, SYNC, CONNECT], 80) == {EVENT}
    assert connected_before([WRITE, CONNECT, SYNC], 80) == set()


@pytest.mark.parametrize("number", [2, 6, 10, 12, 14])
async def test_killed_at_a_sync_everything_arrives_after_a_restart(
    number: int, tmp_path: Path
) -> None:
    need_strace()
    async with world(tmp_path) as w:
        app = await two_jobs(w)
        inject = f"inject=fdatasync:signal=KILL:when={number}"
        code, _ = await traced(w, "-e", "trace=fdatasync", "-e", inject)
        assert code != 0

        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        check_complete(app)


@pytest.mark.parametrize("number", [10, 11, 12, 13])
async def test_a_sync_that_fails_once_loses_nothing_and_stops_nobody(
    number: int, tmp_path: Path
) -> None:
    need_strace()
    async with world(tmp_path) as w:
        app = await two_jobs(w)
        inject = f"inject=fdatasync:error=EIO:when={number}"
        code, _ = await traced(w, "-e", "trace=fdatasync", "-e", inject)

        assert code == 0
        check_complete(app)
        assert "Traceback" not in (w.folder / "daemon.log").read_text()


async def test_while_no_sync_succeeds_nothing_is_sent_and_later_everything_is(
    tmp_path: Path,
) -> None:
    """Syncs fail for as long as this daemon lives; the next one finds a disk that works."""
    need_strace()
    async with world(tmp_path) as w:
        app = await two_jobs(w)
        log = w.folder / "daemon.log"

        async with running(
            w.config_path,
            under=(
                *("strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync"),
                *("-e", "inject=fdatasync:error=EIO:when=10+"),
            ),
        ) as daemon:
            try:
                await daemon.wait_for_log("poller_waits_for_store", count=2)
                assert app.got == []
            finally:
                end_daemon(w)
            await daemon.exit_code()

        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        check_complete(app)
        assert "Traceback" not in log.read_text()
