"""SIGKILL at the three critical moments: every event is still delivered."""

import signal
import sqlite3
from collections import Counter
from pathlib import Path

import pytest
import trio

from notifier.http_server import Response
from tests.faults.jobs import begin, finish
from tests.process.harness import Got, World, eventually, running, world


def events_in(w: World) -> list[str]:
    db = sqlite3.connect(f"file:{w.store_path}?mode=ro", uri=True)
    try:
        return [event for (event,) in db.execute("SELECT id FROM events")]
    finally:
        db.close()


async def test_killed_after_the_terminal_answer_and_before_the_commit(tmp_path: Path) -> None:
    """The store's write lock is held by the test, so the commit cannot happen."""
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("poll")
            blocker = sqlite3.connect(w.store_path, isolation_level=None)
            blocker.execute("BEGIN IMMEDIATE")
            asked = len(w.sandbox.requests)
            finish(w, "job")
            await eventually(lambda: len(w.sandbox.requests) > asked, "a poll after the end")
            assert await daemon.end(signal.SIGKILL) == -signal.SIGKILL
            blocker.close()
        assert events_in(w) == []

        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        assert [got.event["type"] for got in app.got] == ["video.completed"]


async def test_killed_after_the_commit_and_before_the_receiver_answered(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=lambda _: None)
        w.endpoint(app)
        begin(w, "job")
        async with running(w.save()) as daemon:
            app.before_answer = lambda _: daemon.process.kill()
            finish(w, "job")
            await app.wait_for(1)
            assert await daemon.exit_code() == -signal.SIGKILL
        (event,) = events_in(w)

        app.before_answer = lambda _: None
        app.answer = lambda _: Response(204, {}, b"")
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        first, second = app.got
        assert first.id == second.id == event
        assert first.body == second.body
        (attempt,) = daemon.logs("attempt")
        assert attempt["attempt"] == 2


async def test_killed_after_the_receivers_2xx_and_before_it_was_recorded(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        blockers: list[sqlite3.Connection] = []

        def block(_: Got) -> None:
            """Take the write lock before answering, so that the 2xx cannot be recorded."""
            blocker = sqlite3.connect(w.store_path, isolation_level=None)
            blocker.execute("BEGIN IMMEDIATE")
            blockers.append(blocker)

        app = await w.receiver(before_answer=block)
        w.endpoint(app)
        w.sandbox.create(video_id="job", duration=0.2)
        w.watch("job")
        async with running(w.save()) as daemon:
            # the daemon says that it has the answer and cannot write it down
            await daemon.wait_for_log("attempt_not_recorded")
            assert await daemon.end(signal.SIGKILL) == -signal.SIGKILL
        blockers.pop().close()

        app.before_answer = lambda _: None
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        first, second = app.got
        assert (first.id, first.body) == (second.id, second.body)
        assert first.headers["webhook-id"] == second.headers["webhook-id"]


@pytest.mark.parametrize("moment", [0.3, 0.8, 1.3, 1.8])
async def test_killed_at_any_other_moment(moment: float, tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        for number in range(20):
            w.sandbox.create(video_id=f"job-{number}", duration=0.5 + number / 10)
            w.watch(f"job-{number}")
        async with running(w.save()) as daemon:
            await trio.sleep(moment)  # the moment itself is what is tested
            await daemon.end(signal.SIGKILL)
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0

        ids = Counter(got.event["data"]["id"] for got in app.got)
        assert set(ids) == {f"job-{number}" for number in range(20)}
        by_video = {(got.event["data"]["id"], got.id, got.body) for got in app.got}
        assert len(by_video) == 20
