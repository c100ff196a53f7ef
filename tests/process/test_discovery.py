"""Jobs that nobody lists have their event, too: what a user sees of discovery."""

import json
import re
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio

from notifier.sandbox.faults import Fault
from notifier.sandbox.jobs import Ending
from tests.process.harness import Daemon, Receiver, World, eventually, notifier, running, world

NEVER = 10_000.0


def start(w: World, *video_ids: str) -> None:
    """Have the application start jobs that run until `finish`."""
    for video_id in video_ids:
        w.sandbox.create(video_id=video_id, ending="stuck", duration=NEVER)


def finish(w: World, *video_ids: str, ending: str = "completed") -> None:
    """End jobs now."""
    for video_id in video_ids:
        job = w.sandbox.jobs[video_id]
        object.__setattr__(job, "ending", Ending(ending))
        object.__setattr__(job, "duration", 0.001)


def events_of(receiver: Receiver) -> list[tuple[str, str]]:
    return [(got.event["data"]["id"], got.event["type"]) for got in receiver.got]


async def status_of(w: World) -> dict[str, Any]:
    done = await notifier("status", "--json", "-c", w.config_path)
    (report,) = json.loads(done.stdout)
    row: dict[str, Any] = report["gateways"][0]["discovery"]
    return row


async def began(daemon: Daemon, count: int = 1) -> None:
    """Wait until the jobs of the first start are known, and asked about."""
    await daemon.wait_for_log("discovery_began", count)


async def test_every_job_of_an_application_that_knows_nothing_of_notifier_has_its_event(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        async with running(w.save()) as daemon:
            await began(daemon)
            start(w, "one", "two", "three")
            await eventually(lambda: len(daemon.logs("discovered")) == 3, "three found")
            finish(w, "one")
            finish(w, "two", ending="failed")
            finish(w, "three", ending="cancelled")
            await app.wait_for(3)
            assert (await status_of(w))["found"] == 3
            assert await daemon.end() == 0
        assert sorted(events_of(app)) == [
            ("one", "video.completed"),
            ("three", "video.cancelled"),
            ("two", "video.failed"),
        ]


async def test_jobs_of_before_the_first_start_have_an_event_only_if_they_still_run(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        start(w, "over", "running")
        finish(w, "over")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("discovered")
            finish(w, "running")
            await app.wait_for(1)
            assert (await status_of(w))["unconfirmed"] == 0
            assert await daemon.end() == 0
        assert events_of(app) == [("running", "video.completed")]


async def test_a_stale_list_that_says_queued_for_ever_makes_no_event_of_what_is_over(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, profile="stale-list") as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        start(w, "over")
        finish(w, "over")
        async with running(w.save()) as daemon:
            await began(daemon)
            assert daemon.logs("discovery_began")[0]["unconfirmed"] == 1
            start(w, "later")
            finish(w, "later")
            await app.wait_for(1)
            assert await daemon.end() == 0
        assert events_of(app) == [("later", "video.completed")]


async def test_discover_since_takes_what_was_over_but_is_young(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True, discover_since="1h")
        start(w, "old", "young")
        object.__setattr__(w.sandbox.jobs["old"], "created_at", 1_700_000_000.0)
        finish(w, "old", "young")
        async with running(w.save(), "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        assert events_of(app) == [("young", "video.completed")]


async def test_a_job_that_came_and_ended_while_the_daemon_was_off_has_its_event(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        async with running(w.save()) as daemon:
            await began(daemon)
            assert await daemon.end() == 0
        start(w, "meanwhile")
        finish(w, "meanwhile")
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        assert events_of(app) == [("meanwhile", "video.completed")]


async def test_exit_when_done_waits_for_the_first_list_read(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        start(w, "running")
        w.sandbox.script("", ["500", "500"])
        async with running(w.save(), "--exit-when-done") as daemon:
            await daemon.wait_for_log("discovered")
            finish(w, "running")
            assert await daemon.exit_code() == 0
        assert events_of(app) == [("running", "video.completed")]


async def test_a_quiet_gateway_is_asked_for_one_page_at_a_time(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(discover=True)
        start(w, *(f"over-{n}" for n in range(250)))
        finish(w, *w.sandbox.jobs)
        async with running(w.save()) as daemon:
            await began(daemon)
            before = len(w.sandbox.requests)
            await eventually(lambda: len(w.sandbox.requests) >= before + 5, "five looks")
            later = list(w.sandbox.requests)[before:]
            assert {request.path for request in later} == {"/v1/videos"}
            assert await daemon.end() == 0


async def test_pages_that_pollers_read_are_looked_at_and_save_a_request(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        # its own looks are an hour apart: what it finds, it finds on the pages of pollers
        w.gateway(discover=True, list_videos="always", poll_interval="1h", min_poll_interval="1h")
        start(w, "watched-1", "watched-2")
        async with running(w.save()) as daemon:
            await eventually(lambda: len(daemon.logs("discovered")) == 2, "both found")
            start(w, "new")
            added = await notifier("watch", "add", "other-1", "other-2", "-c", w.config_path)
            assert added.returncode == 0
            await eventually(lambda: len(daemon.logs("discovered")) == 3, "the new one found")
            assert await daemon.end() == 0


async def test_list_videos_never_does_not_forbid_discovery(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True, list_videos="never")
        async with running(w.save()) as daemon:
            await began(daemon)
            start(w, "one")
            finish(w, "one")
            await app.wait_for(1)
            assert await daemon.end() == 0


@pytest.mark.parametrize("profile", ["xai", "litellm"])
async def test_a_gateway_without_a_usable_list_is_logged_once_and_shown(
    tmp_path: Path, profile: str
) -> None:
    async with world(tmp_path, profile=profile) as w:
        w.endpoint(await w.receiver())
        w.gateway(discover=True)
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("discovery_without_list")
            before = len(w.sandbox.requests)
            await eventually(lambda: len(w.sandbox.requests) >= before + 2, "two more looks")
            assert len(daemon.logs("discovery_without_list")) == 1
            assert (await status_of(w))["state"] == "no_list"
            shown = await notifier("status", "-c", w.config_path)
            assert "main: discovers jobs: no usable list: " in shown.stdout
            assert await daemon.end() == 0


async def test_a_job_that_leaves_the_list_is_not_withdrawn(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        async with running(w.save()) as daemon:
            await began(daemon)
            start(w, "leaves")
            await daemon.wait_for_log("discovered")
            w.sandbox._jobs.forget("leaves")  # noqa: SLF001 - as its operator
            await app.wait_for(1)
            assert daemon.logs("withdrawn") == []
            assert await daemon.end() == 0
        assert events_of(app) == [("leaves", "video.lost")]


async def discovered(w: World, daemon: Daemon, video_id: str) -> None:
    """Have a job discovered that runs on."""
    await began(daemon)
    start(w, video_id)
    await eventually(
        lambda: any(line["video_id"] == video_id for line in daemon.logs("discovered")), video_id
    )


async def test_settings_of_the_api_replace_those_of_discovery_and_never_conflict(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app, ops = await w.receiver(), await w.receiver()
        w.endpoint(app)
        w.endpoint(ops, "ops")
        w.gateway(discover=True)
        async with running(w.save()) as daemon:
            await discovered(w, daemon, "job")
            done = await notifier(
                *("watch", "add", "job", "--endpoint", "ops", "--metadata", "order=7"),
                *("-c", w.config_path),
            )
            assert done.returncode == 0, done.stderr
            finish(w, "job")
            await ops.wait_for(1)
            assert await daemon.end() == 0
        assert ops.got[0].event["watch"]["metadata"] == {"order": "7"}
        assert app.got == []


async def test_settings_of_a_file_replace_those_of_discovery_and_its_removal_withdraws(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        async with running(w.save()) as daemon:
            await discovered(w, daemon, "kept")
            await discovered(w, daemon, "dropped")
            folder = tmp_path / "watches.d"
            folder.mkdir(exist_ok=True)
            for video_id in ("kept", "dropped"):
                text = f'[[watches]]\nvideo_id = "{video_id}"\nmetadata = {{ order = "7" }}\n'
                (folder / f"{video_id}.toml").write_text(text)
            await eventually(lambda: metadata_of(w, "dropped") == '{"order":"7"}', "taken over")
            await eventually(lambda: metadata_of(w, "kept") == '{"order":"7"}', "taken over")
            (folder / "dropped.toml").unlink()
            await daemon.wait_for_log("withdrawn")
            looks = len(w.sandbox.requests)
            await eventually(lambda: len(w.sandbox.requests) > looks + 10, "ten more requests")
            finish(w, "kept", "dropped")
            await app.wait_for(1)
            assert await daemon.end() == 0
        assert events_of(app) == [("kept", "video.completed")]
        assert app.got[0].event["watch"]["metadata"] == {"order": "7"}
        assert [line["video_id"] for line in daemon.logs("withdrawn")] == ["dropped"]


def metadata_of(w: World, video_id: str) -> str:
    with closing(sqlite3.connect(f"file:{w.store_path}?mode=ro", uri=True)) as db:
        query = "SELECT metadata FROM watches WHERE video_id = ?"
        return str(db.execute(query, (video_id,)).fetchone()[0])


async def test_a_watch_that_is_removed_is_withdrawn_and_discovery_does_not_take_it_again(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        async with running(w.save()) as daemon:
            await discovered(w, daemon, "unwanted")
            done = await notifier("watch", "remove", "unwanted", "-c", w.config_path)
            assert done.returncode == 0, done.stderr
            await discovered(w, daemon, "wanted")
            finish(w, "unwanted", "wanted")
            await app.wait_for(1)
            assert await daemon.end() == 0
        assert events_of(app) == [("wanted", "video.completed")]


async def test_again_watches_a_discovered_job_once_more(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        async with running(w.save()) as daemon:
            await discovered(w, daemon, "job")
            finish(w, "job")
            await app.wait_for(1)
            again = await notifier("watch", "add", "job", "--again", "-c", w.config_path)
            assert again.returncode == 0, again.stderr
            await app.wait_for(2)
            assert await daemon.end() == 0
        first, second = app.got
        assert first.id != second.id


async def test_jobs_behind_the_mark_are_not_taken_again_also_after_pruning(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        async with running(w.save()) as daemon:
            await discovered(w, daemon, "job")
            finish(w, "job")
            await app.wait_for(1)
            assert await daemon.end() == 0
        with closing(sqlite3.connect(w.store_path)) as db:
            db.executescript(
                "DELETE FROM attempts; DELETE FROM deliveries; DELETE FROM bodies;"
                "DELETE FROM events; DELETE FROM watches; DELETE FROM listings;"
            )
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        assert len(app.got) == 1


async def test_another_base_url_starts_anew(tmp_path: Path) -> None:
    async with world(tmp_path / "a") as w, world(tmp_path / "b") as other:
        (tmp_path / "a").mkdir()
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True)
        start(other, "over-there")
        finish(other, "over-there")
        async with running(w.save()) as daemon:
            await began(daemon)
            base_url = f"http://127.0.0.1:{other.gateway_port}/v1"
            w.config["gateways"]["main"]["base_url"] = base_url
            w.save()
            daemon.process.send_signal(signal.SIGHUP)
            await daemon.wait_for_log("discovery_began", 2)
            start(other, "new-there")
            finish(other, "new-there")
            await app.wait_for(1)
            assert await daemon.end() == 0
        assert events_of(app) == [("new-there", "video.completed")]


async def test_discover_is_turned_on_and_off_by_a_reload(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway()
        async with running(w.save()) as daemon:
            assert await status_of(w) is None
            w.gateway(discover=True)
            w.save()
            daemon.process.send_signal(signal.SIGHUP)
            await discovered(w, daemon, "job")
            w.gateway()
            w.save()
            daemon.process.send_signal(signal.SIGHUP)
            await daemon.wait_for_log("reloaded", 2)
            assert await status_of(w) is None
            finish(w, "job")
            await app.wait_for(1)
            assert await daemon.end() == 0


async def test_a_daemon_that_is_killed_again_and_again_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True, poll_interval="100ms")
        async with running(w.save()) as daemon:
            await began(daemon)
            await daemon.end(signal.SIGKILL)
        for life in range(4):
            start(w, *(f"job-{life}-{n}" for n in range(150)))
            finish(w, *w.sandbox.jobs)
            async with running(w.config_path, started=False) as daemon:
                await trio.sleep(0.4 + 0.15 * life)
                await daemon.end(signal.SIGKILL)
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        by_video = {video: set[str]() for video in w.sandbox.jobs}
        for got in app.got:
            by_video[got.event["data"]["id"]].add(got.id)
        assert {len(ids) for ids in by_video.values()} == {1}


async def test_init_discover_and_run_are_all_that_a_gateway_with_a_list_needs(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        base_url = f"http://127.0.0.1:{w.gateway_port}/v1"
        done = await notifier(
            *("init", "--discover", "--base-url", base_url, "-c", w.config_path),
            *("--endpoint-url", "http://127.0.0.1:9/"),
        )
        assert done.returncode == 0, done.stderr
        assert "watch add" not in done.stdout
        # another test may take the port that was free
        written = w.config_path.read_text()
        w.config_path.write_text(re.sub(r"127\.0\.0\.1:87\d\d", "127.0.0.1:0", written))
        state = str(tmp_path / "state")
        start(w, "running")
        async with running(w.config_path, XDG_STATE_HOME=state) as daemon:
            await daemon.wait_for_log("discovered")
            env = {"XDG_STATE_HOME": state}
            listed = await notifier("watch", "list", "--json", "-c", w.config_path, env=env)
            (row,) = json.loads(listed.stdout)
            assert (row["video_id"], row["listed_in"]) == ("running", ["discovery"])
            assert await daemon.end() == 0


@pytest.mark.parametrize(
    ("profile", "fault"),
    [
        ("new-api-legacy", ""),
        ("sglang", ""),
        ("litellm", ""),
        ("openrouter", ""),
        ("openai", "list-ignores-after"),
        ("openai", "list-caps-limit"),
        ("openai", "list-without-fields"),
    ],
)
async def test_jobs_are_discovered_in_the_dialects_of_known_gateways(
    tmp_path: Path, profile: str, fault: str
) -> None:
    faults = [Fault(fault, 1.0)] if fault else []
    async with world(tmp_path, profile=profile, faults=faults) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(discover=True, headers={"custom-llm-provider": "openai"})
        before = [f"before-{n}" for n in range(30)]
        start(w, *before, "running")
        finish(w, *before)
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("discovered")
            start(w, *(f"later-{n}" for n in range(15)))
            await eventually(lambda: len(daemon.logs("discovered")) == 16, "all found")
            finish(w, *w.sandbox.jobs)
            await app.wait_for(16)
            assert await daemon.end() == 0
        assert len({got.event["data"]["id"] for got in app.got}) == 16
