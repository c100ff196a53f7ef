"""Several `notifier run` on one database share the work, and take over what one leaves."""

import signal
from collections import Counter
from datetime import datetime
from pathlib import Path
from statistics import median

import psycopg
import pytest
import trio

from tests.faults.jobs import begin, finish
from tests.postgres import Server
from tests.process.cluster import Cluster, cluster, polled
from tests.process.harness import Daemon, Receiver, eventually, notifier, running

LEASE = 5.0
VIDEOS = [f"video-{number}" for number in range(12)]


def half_each(c: Cluster) -> bool:
    shards = c.shards()
    return len(shards) == 2 and min(shards.values()) >= 16 and sum(shards.values()) == 64


def finish_all(c: Cluster) -> None:
    for video in VIDEOS:
        finish(c.world, video)


async def each_has_one_event(app: Receiver) -> None:
    await app.wait_for(len(VIDEOS))
    assert Counter(got.event["data"]["id"] for got in app.got) == Counter(VIDEOS)


async def test_two_instances_poll_what_one_was_given_and_each_video_has_one_event(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, app):
        async with c.running("alpha") as alpha:
            c.spread()
            async with c.running("beta") as beta:
                await eventually(lambda: half_each(c), "half of the shards for each")
                await c.add("alpha", *VIDEOS)
                await eventually(
                    lambda: polled(alpha) | polled(beta) == set(VIDEOS), "polls of all videos"
                )
                assert polled(alpha)
                assert polled(beta)
                finish_all(c)
                await each_has_one_event(app)
                assert await beta.end() == 0
                await eventually(lambda: c.shards() == {"alpha": 64}, "all shards for alpha")
                assert alpha.logs("instance_buried") == []
            assert await alpha.end() == 0
        assert c.shards() == {}


async def test_what_one_was_given_is_polled_at_once_by_the_instance_whose_work_it_is(
    tmp_path: Path, server: Server
) -> None:
    async with (
        cluster(tmp_path, server) as (c, _),
        c.running("alpha") as alpha,
        c.running("beta") as beta,
    ):
        c.spread()
        await eventually(lambda: half_each(c), "half of the shards for each")
        for video in VIDEOS:
            await c.add("alpha", video)
        await eventually(
            lambda: polled(alpha) | polled(beta) == set(VIDEOS), "polls of all videos"
        )
        taken = c.taken()
        first = {
            line["video_id"]: datetime.fromisoformat(line["timestamp"]).timestamp()
            for line in reversed(beta.logs("poll"))
        }
        assert first
        # without hints they would be found by looking every two seconds
        assert median(first[video] - taken[video] for video in first) < 0.5
        for daemon in (alpha, beta):
            assert daemon.logs("hints_lost") == []
            assert await daemon.end() == 0


async def test_what_a_killed_instance_did_is_taken_over(tmp_path: Path, server: Server) -> None:
    async with cluster(tmp_path, server) as (c, app), c.running("alpha") as alpha:
        c.spread()
        async with c.running("beta") as beta:
            await eventually(lambda: half_each(c), "half of the shards for each")
            await c.add("beta", *VIDEOS)
            await eventually(lambda: len(polled(beta)) > 0, "a poll of beta")
            beta.process.kill()
            finish_all(c)
            await each_has_one_event(app)
            assert alpha.logs("instance_buried")[0]["instance"] == "beta"
        assert await alpha.end() == 0


async def test_an_attempt_of_a_killed_instance_is_repeated_with_the_same_event(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, app), c.running("alpha") as alpha:
        await c.add("alpha", "video")
        app.answer = None
        finish(c.world, "video")
        await app.wait_for(1)
        async with c.running("beta") as beta:
            app.answer = Receiver().answer
            alpha.process.kill()
            await app.wait_for(2)
            assert await beta.end() == 0
    first, second = app.got
    assert (first.id, first.body) == (second.id, second.body)


async def test_a_restarted_instance_does_not_wait_for_its_killed_process(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, _):
        async with c.running("alpha") as alpha:
            await alpha.end(signal.SIGKILL)
        async with c.running("alpha") as alpha:
            joined, took = alpha.logs("instance_joined")[1], alpha.logs("leases_taken")[1]
            assert took["timestamp"] > joined["timestamp"]
            assert c.shards() == {"alpha": 64}
            assert await alpha.end() == 0


async def test_a_second_instance_of_the_same_name_is_refused(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, _), c.running("alpha") as alpha:
        elsewhere = {**c.env("alpha"), "STATE_DIRECTORY": str(tmp_path / "elsewhere")}
        second = await notifier("run", "-c", c.config("alpha"), env=elsewhere)
        assert second.returncode == 78
        assert second.stderr.count('"event": "instance_name_in_use"') == 1
        assert "another notifier runs as the instance alpha" in second.stderr
        assert "Traceback" not in second.stderr
        assert await alpha.end() == 0


@pytest.mark.parametrize("option", ["--adopt", "--exit-when-done"])
async def test_options_for_who_is_alone_are_refused(
    tmp_path: Path, server: Server, option: str
) -> None:
    async with cluster(tmp_path, server) as (c, _):
        refused = await notifier("run", option, "-c", c.config("alpha"), env=c.env("alpha"))
        assert refused.returncode == 78
        assert option in refused.stderr


async def test_three_that_start_at_once_on_an_empty_database_list_the_same_videos_once(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, app):
        begin(c.world, *VIDEOS)
        daemons: dict[str, Daemon] = {}

        async def run(name: str) -> None:
            async with c.running(name) as daemons[name]:
                await trio.sleep_forever()

        async with trio.open_nursery() as nursery:
            for name in ("alpha", "beta", "gamma"):
                nursery.start_soon(run, name)
            await eventually(
                lambda: all(name in daemons for name in ("alpha", "beta", "gamma")), "three starts"
            )
            finish_all(c)
            await each_has_one_event(app)
            for daemon in daemons.values():
                assert await daemon.end() == 0
                assert [one for one in daemon.logs() if one["level"] == "error"] == []
            nursery.cancel_scope.cancel()


async def test_an_instance_says_that_it_waits_for_another_ones_schema_and_can_be_stopped(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, _):
        with psycopg.connect(c.url, autocommit=True) as other:
            other.execute("SELECT pg_advisory_lock(1852798057, hashtext(current_schema()))")
            async with running(c.config("alpha"), started=False, **c.env("alpha")) as alpha:
                await alpha.wait_for_log("store_waits")
                assert await alpha.end() == 0
        async with c.running("alpha") as alpha:
            assert await alpha.end() == 0


async def test_a_reload_moves_what_only_one_has_configured_then(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, app), c.running("alpha") as alpha:
        other = await c.world.receiver()
        async with c.running("beta") as beta:
            c.world.endpoint(other, "other")
            for name, daemon in (("alpha", alpha), ("beta", beta)):
                c.config(name)
                daemon.process.send_signal(signal.SIGHUP)
                await daemon.wait_for_log("reloaded")
            await c.add("beta", "first")
            finish(c.world, "first")
            await app.wait_for(1)
            await other.wait_for(1)
            c.world.config["gateways"] = {"unused": {"base_url": "http://127.0.0.1:9/v1"}}
            c.config("beta")
            beta.process.send_signal(signal.SIGHUP)
            await beta.wait_for_log("reloaded", 2)
            await eventually(lambda: c.shards() == {"alpha": 64, "beta": 64}, "moved shards")
            await c.add("alpha", "second")
            finish(c.world, "second")
            await app.wait_for(2)
            assert await beta.end() == 0
        assert await alpha.end() == 0


async def test_one_discovers_and_one_archives_and_another_does_when_it_is_killed(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, app):
        c.world.gateway(discover=True, archive=True)
        c.world.config["archive"] = {"dir": str(tmp_path / "copies")}
        async with c.running("alpha") as alpha, c.running("beta") as beta:
            await beta.wait_for_log("leases_taken")
            for killed, video in ((None, "first"), (alpha, "second")):
                if killed is not None:
                    killed.process.kill()
                c.world.sandbox.create(video_id=video, duration=0.5)
                await eventually(lambda: followed_up(app, video), f"both events of {video}")  # noqa: B023
            assert await beta.end() == 0
        # what the killed instance had sent and not recorded is sent again, under the same id
        events = {(got.id, got.event["type"], got.event["data"]["id"]) for got in app.got}
        assert Counter((kind, video) for _, kind, video in events) == Counter(
            (kind, video)
            for kind in ("video.completed", "video.archived")
            for video in ("first", "second")
        )


def followed_up(app: Receiver, video: str) -> bool:
    types = {got.event["type"] for got in app.got if got.event["data"]["id"] == video}
    return types == {"video.completed", "video.archived"}


async def test_while_the_database_is_away_polling_pauses_and_nothing_moves(
    tmp_path: Path, durable: Server
) -> None:
    async with (
        cluster(tmp_path, durable) as (c, app),
        c.running("alpha") as alpha,
        c.running("beta") as beta,
    ):
        await eventually(lambda: half_each(c), "half of the shards for each")
        await c.add("alpha", "video")
        durable.stop("immediate")
        try:
            for daemon in (alpha, beta):
                await daemon.wait_for_log("store_unreachable")
            await trio.sleep(LEASE)
            asked = len(c.world.sandbox.requests)
            finish(c.world, "video")
            await trio.sleep(1)
            assert len(c.world.sandbox.requests) == asked
        finally:
            durable.start()
        await app.wait_for(1)
        for daemon in (alpha, beta):
            assert daemon.logs("instance_was_buried") == daemon.logs("leases_lost") == []
            assert await daemon.end() == 0
    assert len(app.got) == 1
