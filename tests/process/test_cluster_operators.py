"""What operators see of several instances on one database, and do with them, from any of them."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import tomli_w
import trio

from notifier.http_server import Response
from tests.control.client import Api, api_of
from tests.control.test_openapi import check_described
from tests.faults.jobs import finish
from tests.postgres import Server
from tests.process.cluster import Cluster, cluster
from tests.process.harness import PATIENCE, Receiver, eventually, notifier

VIDEOS = [f"video-{number}" for number in range(8)]


@asynccontextmanager
async def two(folder: Path, server: Server) -> AsyncIterator[tuple[Cluster, Receiver, Api, Api]]:
    """Run alpha and beta, each with its API, and half of the shards each."""
    async with cluster(folder, server) as (c, app):
        c.world.config["http"] = {"listen": "127.0.0.1:0"}
        async with c.running("alpha") as alpha:
            c.spread()
            async with c.running("beta") as beta:
                await eventually(
                    lambda: len(c.shards()) == 2 and min(c.shards().values()) >= 16,
                    "shards for both",
                )
                yield c, app, api_of(alpha), api_of(beta)


async def command(c: Cluster, name: str, *arguments: str) -> Any:  # noqa: ANN401 - JSON or text
    """Return what a command prints on the machine of an instance."""
    path = c.world.folder / name / "config.toml"
    done = await notifier(*arguments, "-c", path, env=c.env(name))
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout) if "--json" in arguments else done.stdout


async def samples(api: Api) -> dict[str, float]:
    """Return the samples of an instance by name and labels, as Prometheus writes them."""
    lines = (await api.ask("GET", "/metrics")).body.splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until a condition holds."""
    with trio.fail_after(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - other processes set no events
            await trio.sleep(0.1)


async def test_any_instance_shows_what_each_does_and_sums_of_gauges_are_right(
    tmp_path: Path, server: Server
) -> None:
    async with two(tmp_path, server) as (c, app, alpha, beta):
        await c.add("alpha", *VIDEOS)
        for api in (alpha, beta):

            async def all_is_owned(api: Api = api) -> bool:
                """Tell so; some shards are nobody's for a moment while they are handed over."""
                rows = (await api.ask("GET", "/v1/instances")).body["data"]
                assert [row["name"] for row in rows] == ["alpha", "beta"]
                owned = [(row["leases"]["watch"], row["watches"]) for row in rows]
                return list(map(sum, zip(*owned, strict=True))) == [64, len(VIDEOS)]

            await until(all_is_owned)
            for path in ("/v1/instances", "/v1/status", "/v1/endpoints"):
                check_described("GET", path, await api.ask("GET", path))
        status = (await beta.ask("GET", "/v1/status")).body
        (gateway,), (endpoint,) = status["gateways"], status["endpoints"]
        assert 0 < gateway["granted_requests_per_second"] < gateway["max_requests_per_second"]
        assert endpoint["instance"] in {"alpha", "beta"}

        shown = await command(c, "beta", "status")
        assert "Instance" in shown
        assert f" of {gateway['max_requests_per_second']:g}" in shown
        assert [line.split()[0] for line in shown.splitlines() if " ok for " in line] == [
            "alpha",
            "beta",
        ]
        one, other = dict[str, float](), dict[str, float]()

        async def all_is_counted_once() -> bool:
            one.update(await samples(alpha))
            other.update(await samples(beta))
            wanted = {
                'notifier_open_watches{gateway="main"}': len(VIDEOS),
                'notifier_leases{kind="watch"}': 64,
                'notifier_leases{kind="chores"}': 1,
            }
            return all(one[name] + other[name] == number for name, number in wanted.items())

        # a shard that is handed over between the two scrapes is counted twice or not at all
        await until(all_is_counted_once)
        waiting = 'notifier_deliveries{endpoint="app",state="pending"}'
        assert (waiting in one) != (waiting in other)
        assert one["notifier_instances"] == other["notifier_instances"] == 2
        assert app.got == []


async def test_the_page_of_any_instance_shows_all_videos_and_events(
    tmp_path: Path, server: Server
) -> None:
    async with two(tmp_path, server) as (c, app, alpha, beta):
        await c.add("alpha", *VIDEOS)
        finish(c.world, VIDEOS[0])
        await app.wait_for(1)
        for api in (alpha, beta):
            page = (await api.ask("GET", "/")).body
            assert [video for video in VIDEOS[1:] if video not in page] == []
            assert app.got[0].id in page
            assert '<h2 id="instances-title">Instances</h2>' in page
            assert all(f'<span class="id">{name}</span>' in page for name in ("alpha", "beta"))


async def test_status_is_read_from_the_database_where_no_daemon_runs(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, _):
        async with c.running("alpha") as alpha:
            await c.add("alpha", *VIDEOS)
            c.config("beta")
            shown = await command(c, "beta", "status")
            assert shown.startswith("no daemon is running on this machine; 8 open watches")
            (report,) = await command(c, "beta", "status", "--json")
            assert [row["name"] for row in report["instances"]] == ["alpha"]
            assert report["instances"][0]["watches"] == len(VIDEOS)
            assert report["endpoints"][0]["instance"] == "alpha"
            assert await alpha.end() == 0
        assert await command(c, "beta", "instances") == "no instance runs\n"
        assert (await command(c, "beta", "status")).startswith("no daemon is running; 8 open")


async def test_a_drained_instance_hands_over_and_the_last_one_is_not_drained(
    tmp_path: Path, server: Server
) -> None:
    async with two(tmp_path, server) as (c, _, alpha, beta):
        drained = await alpha.ask("POST", "/v1/instances/beta/drain")
        assert (drained.status, drained.body) == (202, {"draining": True})
        await eventually(lambda: c.shards() == {"alpha": 64, "beta": 0}, "all shards for alpha")
        assert " draining " in await command(c, "alpha", "instances")
        refused = await beta.ask("POST", "/v1/instances/alpha/drain")
        assert refused.status == 409
        assert refused.body["detail"] == "no other instance could take over what alpha does"
        assert (await beta.ask("POST", "/v1/instances/nobody/drain")).status == 404
        undrained = await alpha.ask("DELETE", "/v1/instances/beta/drain")
        assert (undrained.status, undrained.body) == (202, {"draining": False})
        await eventually(lambda: c.shards()["beta"] > 16, "shards for beta")
        assert "beta hands over" in await command(c, "alpha", "instances", "drain", "beta")
        await eventually(lambda: c.shards() == {"alpha": 64, "beta": 0}, "all shards for alpha")
        assert "beta takes its share" in await command(c, "alpha", "instances", "undrain", "beta")
        await eventually(lambda: c.shards()["beta"] > 16, "shards for beta")


async def test_resend_replay_enable_and_test_work_on_an_instance_that_does_not_deliver(
    tmp_path: Path, server: Server
) -> None:
    async with two(tmp_path, server) as (c, app, alpha, beta):
        (endpoint,) = (await alpha.ask("GET", "/v1/endpoints")).body["data"]
        other = beta if endpoint["instance"] == "alpha" else alpha
        await c.add("alpha", "video")
        finish(c.world, "video")
        await app.wait_for(1)
        event = app.got[0].id

        resent = await other.ask("POST", f"/v1/events/{event}/resend")
        assert resent.status == 202, resent.body
        await app.wait_for(2)
        replayed = await other.ask("POST", "/v1/replay", {"since": 0, "only": "all"})
        assert replayed.status == 202
        await app.wait_for(3)
        tried = await other.ask("POST", "/v1/endpoints/app/test")
        assert tried.body["delivered"] is True
        await app.wait_for(4)

        app.answer = lambda _: Response(410, {}, b"")
        assert (await other.ask("POST", f"/v1/events/{event}/resend")).status == 202
        await app.wait_for(5)

        async def is_disabled() -> bool:
            (row,) = (await other.ask("GET", "/v1/endpoints")).body["data"]
            return row["disabled"] is not None

        await until(is_disabled)
        app.answer = Receiver().answer
        enabled = await other.ask("POST", "/v1/endpoints/app/enable")
        assert enabled.body == {"enabled": True}
        await app.wait_for(6)
        assert {got.id for got in app.got if not got.event.get("test")} == {event}


async def test_endpoints_with_different_urls_are_shown_and_warned_of_once(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, app), c.running("alpha") as alpha:
        other = await c.world.receiver()
        c.world.endpoint(other)
        async with c.running("beta") as beta:
            await alpha.wait_for_log("config_differs")
            await beta.wait_for_log("config_differs")
            assert (await command(c, "alpha", "instances")).count("differs: app") == 2
            (report,) = await command(c, "beta", "status", "--json")
            assert [row["config_differs"] for row in report["instances"]] == [["app"], ["app"]]
            c.world.endpoint(app)
            c.config("beta")
            reloaded = await command(c, "beta", "reload")
            assert "app" in reloaded
            await alpha.wait_for_log("config_differs_no_more")
        assert len(alpha.logs("config_differs")) == 1


async def test_what_was_imported_outlives_the_machine_whose_file_listed_it(
    tmp_path: Path, server: Server
) -> None:
    async with cluster(tmp_path, server) as (c, _):
        c.world.gateway(not_found_grace="1h")
        async with c.running("beta") as beta:
            folder = tmp_path / "alpha" / "watches.d"
            folder.mkdir(parents=True)
            for name in ("kept", "lost"):
                text = tomli_w.dumps({"watches": [{"video_id": name}]})
                (folder / f"{name}.toml").write_text(text)
            async with c.running("alpha") as alpha:
                imported = await command(c, "alpha", "watch", "import", str(folder / "kept.toml"))
                assert "kept on main: imported, the daemon keeps it" in imported
                alpha.process.kill()
            await beta.wait_for_log("instance_buried")
            assert await open_videos(c) == {"kept", "lost"}
            forgot = await command(c, "beta", "instances", "forget", "alpha")
            assert forgot == "forgot what the files of alpha listed; 1 watch is withdrawn\n"
            assert await open_videos(c) == {"kept"}


async def open_videos(c: Cluster) -> set[str]:
    (report,) = await command(c, "beta", "status", "--json")
    return {row["video_id"] for row in report["videos"]}
