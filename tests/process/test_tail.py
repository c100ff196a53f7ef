"""`notifier events tail` beside a daemon that is restarted."""

import json
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from notifier.cli.config_loading import load_project
from notifier.http_server import Response
from tests.faults.jobs import begin, finish
from tests.process.harness import (
    PATIENCE,
    Got,
    clean_environment,
    command,
    eventually,
    running,
    world,
)


class Tail:
    """A running `events tail`; its lines are in `path`, what it says beside them in `said`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "tail.out"
        self.said = folder / "tail.err"
        self.process: trio.Process

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()

    def rows(self, kind: str) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in self.lines]
        return [row for row in rows if row["kind"] == kind]

    async def end(self, sign: signal.Signals) -> int:
        self.process.send_signal(sign)
        with trio.fail_after(PATIENCE):
            return await self.process.wait()


@asynccontextmanager
async def tailing(config: Path, *options: str) -> AsyncIterator[Tail]:
    """Follow the events for as long as the block lasts."""
    tail = Tail(config.parent)
    with tail.path.open("w") as out, tail.said.open("w") as err:
        tail.process = await trio.lowlevel.open_process(
            command("events", "tail", "-c", config, *options),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=clean_environment(),
        )
    try:
        await eventually(lambda: bool(tail.said.read_text()), "the tail's first words")
        assert tail.said.read_text().startswith("following")
        yield tail
    finally:
        with trio.CancelScope(shield=True):
            if tail.process.poll() is None:
                tail.process.kill()
            await tail.process.wait()


async def test_a_tail_shows_each_event_and_outcome_once_over_restarts_of_the_daemon(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        answers = iter([500])
        app = await w.receiver(answer=lambda _: Response(next(answers, 204)))
        w.endpoint(app, retry_schedule=["100ms"])
        begin(w, "one", "two", "three")
        async with tailing(w.save(), "--json") as tail:  # before there is a store
            for life, video_id in enumerate(("one", "two", "three"), 1):
                async with running(w.config_path) as daemon:
                    finish(w, video_id)
                    await app.wait_for(life + 1)
                    await daemon.wait_for_log("attempt", life + 1)
                    if life != 2:
                        assert await daemon.end() == 0
                    else:
                        await daemon.end(signal.SIGKILL)
            await eventually(lambda: len(tail.rows("event")) >= 3, "three events")
            states = {"pending": 1, "delivered": 3}
            await eventually(
                lambda: Counter(row["state"] for row in tail.rows("delivery")) >= Counter(states),
                "all outcomes",
            )
            assert await tail.end(signal.SIGINT) == 0

        events = {row["id"]: row["video_id"] for row in tail.rows("event")}
        assert sorted(events.values()) == ["one", "three", "two"]
        assert len(tail.rows("event")) == 3
        outcomes = [row for row in tail.rows("delivery") if row["attempt"]["outcome"]]
        numbers = Counter((row["event_id"], row["attempt"]["number"]) for row in outcomes)
        assert set(numbers.values()) == {1}
        assert {event for event, _ in numbers} == set(events)
        assert len(tail.said.read_text().splitlines()) == 1


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
async def test_a_tail_is_read_by_people_and_ends_quietly(
    sign: signal.Signals, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        gone: list[Got] = []
        app = await w.receiver(before_answer=gone.append, answer=lambda _: Response(503))
        w.endpoint(app, retry_schedule=["100ms"])
        begin(w, "job")
        async with running(w.save()), tailing(w.config_path) as tail:
            finish(w, "job")
            await eventually(lambda: len(tail.lines) >= 3, "the event and its outcomes")
            assert await tail.end(sign) == 0
        event, failed, outcome = tail.lines
        assert "video.completed  main/job  evt_" in event
        assert "→ app  attempt 1: http_503 in" in failed
        assert "→ app  dead: attempt 2 of 2 ended with http_503  attempt 2: http_503" in outcome
        assert gone[0].id in event
        assert gone[0].id in outcome
        assert tail.said.read_text().count("\n") == 1


async def test_a_tail_says_which_store_it_follows(tmp_path: Path) -> None:
    async with world(tmp_path) as w, tailing(w.save()) as tail:
        store = load_project(w.config_path).store_path
        assert tail.said.read_text() == f"following the events in {store}; Ctrl-C ends\n"
