"""The order of syncs and sends, and the state after a sync that kills or fails."""

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.jobs import begin
from tests.faults.tracing import (
    connected_before,
    meddled_with,
    need_strace,
    sent_too_early,
    traced,
)
from tests.process.harness import Receiver, World, running, world

VIDEOS = ("one", "two")


async def two_jobs(w: World) -> Receiver:
    """Start two jobs for one endpoint; they end when `let_end` lets them."""
    app = await w.receiver()
    w.endpoint(app)
    begin(w, *VIDEOS)
    w.save()
    return app


def let_end(w: World) -> None:
    """Let the jobs end soon, one after the other."""
    for number, video_id in enumerate(VIDEOS):
        w.sandbox.create(video_id=video_id, duration=0.4 + number)


def check_complete(app: Receiver) -> None:
    """Check that both events have arrived, each with one body however often it was sent."""
    events = {(got.event["data"]["id"], got.id, got.body) for got in app.got}
    assert Counter(video_id for video_id, _, _ in events) == dict.fromkeys(VIDEOS, 1)


async def test_nothing_is_sent_before_the_log_that_holds_it_is_synced(tmp_path: Path) -> None:
    need_strace()
    async with world(tmp_path) as w:
        app = await two_jobs(w)
        let_end(w)
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


@pytest.mark.parametrize("effect", ["signal=KILL", "error=EIO"])
@pytest.mark.parametrize("number", [3, 7])
async def test_a_start_that_ends_at_a_sync_leaves_a_state_that_the_next_one_can_use(
    number: int, effect: str, tmp_path: Path
) -> None:
    need_strace()
    async with world(tmp_path) as w:
        app = await two_jobs(w)
        let_end(w)
        inject = f"inject=fdatasync:{effect}:when={number}"
        code, _ = await traced(w, "-e", "trace=fdatasync", "-e", inject)
        said = (w.folder / "daemon.log").read_text()
        if effect == "error=EIO":
            assert code == 1
            assert said.startswith("notifier: ")
            assert said.count("\n") == 1
        else:
            assert (code, said) == (-signal.SIGKILL, "")

        await finish(w)
        check_complete(app)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
async def test_killed_at_any_later_sync_everything_arrives_after_a_restart(
    number: int, tmp_path: Path
) -> None:
    need_strace()
    async with world(tmp_path) as w:
        app = await two_jobs(w)
        async with (
            running(w.config_path, "--exit-when-done") as daemon,
            meddled_with(daemon, "fdatasync", f"signal=KILL:when={number}"),
        ):
            let_end(w)
            # calls are counted by thread: with bad luck none gets as far
            assert await daemon.exit_code() in {-signal.SIGKILL, 0}

        await finish(w)
        check_complete(app)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
async def test_a_sync_that_fails_once_loses_nothing_and_stops_nothing(
    number: int, tmp_path: Path
) -> None:
    need_strace()
    async with world(tmp_path) as w:
        app = await two_jobs(w)
        async with (
            running(w.config_path, "--exit-when-done") as daemon,
            meddled_with(daemon, "fdatasync", f"error=EIO:when={number}"),
        ):
            let_end(w)
            assert await daemon.exit_code() == 0

        check_complete(app)
        assert "Traceback" not in daemon.log_path.read_text()


async def test_while_no_sync_succeeds_nothing_is_sent_and_then_everything_is(
    tmp_path: Path,
) -> None:
    need_strace()
    async with world(tmp_path) as w:
        app = await two_jobs(w)
        async with running(w.config_path, "--exit-when-done") as daemon:
            async with meddled_with(daemon, "fdatasync", "error=EIO:when=1+"):
                let_end(w)
                await daemon.wait_for_log("poller_waits_for_store", count=2)
                assert app.got == []
            assert await daemon.exit_code() == 0

        check_complete(app)
        assert "Traceback" not in daemon.log_path.read_text()


async def finish(w: World) -> None:
    """Let an untraced daemon finish what is left."""
    async with running(w.config_path, "--exit-when-done") as daemon:
        assert await daemon.exit_code() == 0
