"""The wall clock is set while the daemon runs or is down: all work stays on time.

Debian's libfaketime stands between the daemon and the clock, and reads from a file how far it
is off; the monotonic clock is left alone, as it is when a clock is set.
"""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from notifier.http_server import Response
from tests.faults.jobs import begin, finish
from tests.process.harness import PATIENCE, Got, running, world

HOUR, YEAR = 3600, 365 * 24 * 3600
BUDGET = 20


@dataclass
class WallClock:
    """The clock of all daemons that are started; the file `offset` holds its error in seconds."""

    offset: Path

    def set(self, seconds: int) -> None:
        """Set the clock's error; atomically, because daemons read the file meanwhile."""
        new = self.offset.with_suffix(".new")
        new.write_text(f"{seconds:+d}s\n")
        new.rename(self.offset)


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WallClock:
    """Return a clock that is right."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("libfaketime is missing (Debian package libfaketime)")
    clock = WallClock(tmp_path / "offset")
    clock.set(0)
    for name, value in {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(clock.offset),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        # its work-around for an old glibc makes waiting for the interpreter's lock endless
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    }.items():
        monkeypatch.setenv(name, value)
    return clock


def first_of_each_fails() -> Callable[[Got], Response]:
    """Answer 500 to the first attempt at each event, 204 to the others."""
    seen: set[str] = set()

    def answer(got: Got) -> Response:
        status = 204 if got.id in seen else 500
        seen.add(got.id)
        return Response(status, {}, b"")

    return answer


async def test_a_clock_that_is_set_moves_no_retry_no_poll_and_no_deadline(
    clock: WallClock, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=first_of_each_fails())
        w.endpoint(app, retry_schedule=["4s", "4s"])
        w.gateway(max_requests_per_second=BUDGET)
        begin(w, "one", "two", *(f"endless-{number}" for number in range(5)))
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("poll")
            before, began = len(w.sandbox.requests), trio.current_time()
            for expected, (video_id, jump) in enumerate({"one": YEAR, "two": -HOUR}.items()):
                finish(w, video_id)
                await app.wait_for(2 * expected + 1)
                clock.set(jump)
                await app.wait_for(2 * expected + 2)
                first, again = app.got[-2:]
                assert (first.id, first.body) == (again.id, again.body)
                assert 3 < again.at - first.at < PATIENCE
                # the signature says what the calendar says: receivers compare it with theirs
                assert abs(int(again.headers["webhook-timestamp"]) - again.at - jump) < HOUR / 2
            took, polls = trio.current_time() - began, len(w.sandbox.requests) - before
            assert await daemon.end() == 0

        assert {got.event["type"] for got in app.got} == {"video.completed"}
        assert len(app.got) == 4
        assert polls <= BUDGET * took + BUDGET


async def test_a_clock_that_was_set_back_while_the_daemon_was_down_delays_nothing(
    clock: WallClock, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=first_of_each_fails())
        w.endpoint(app, retry_schedule=["2s"])
        begin(w, "job")
        finish(w, "job")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("attempt")
            await daemon.end(signal.SIGKILL)
        clock.set(-HOUR)
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        assert len(app.got) == 2


async def test_a_clock_that_was_wrong_when_a_watch_was_taken_does_not_time_it_out(
    clock: WallClock, tmp_path: Path
) -> None:
    """A board without a battery starts in the past, and learns the time a little later."""
    clock.set(-YEAR)
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("poll")
            clock.set(0)
            await daemon.wait_for_log("clock_was_set")
            await daemon.end(signal.SIGKILL)
        async with running(w.config_path) as daemon:
            await daemon.wait_for_log("poll", 2)
            finish(w, "job")
            await app.wait_for(1)
            assert await daemon.end() == 0
        assert [got.event["type"] for got in app.got] == ["video.completed"]
