"""A config that changes while the daemon runs: SIGHUP applies what is different."""

import signal
from pathlib import Path

import pytest

from notifier.http_server import Response
from notifier.signing import generate_secret
from tests.faults.jobs import ENDLESS, begin, finish
from tests.process.harness import Daemon, eventually, notifier, running, world
from tests.process.verifiers import verifies


async def hang_up(daemon: Daemon, outcome: str = "reloaded") -> None:
    """Have the config read again, and wait for what comes of it."""
    before = len(daemon.logs(outcome))
    daemon.process.send_signal(signal.SIGHUP)
    await daemon.wait_for_log(outcome, before + 1)


async def test_endpoints_come_move_and_go(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        staying, moving, moved, coming = [await w.receiver() for _ in range(4)]
        w.endpoint(staying, "staying")
        w.endpoint(moving, "moving")
        begin(w, "first", "second", "third")
        async with running(w.save()) as daemon:
            finish(w, "first")
            await staying.wait_for(1)
            await moving.wait_for(1)

            w.endpoint(moved, "moving")
            w.endpoint(coming, "coming")
            w.save()
            await hang_up(daemon)
            finish(w, "second")
            for receiver in (moved, coming):
                await receiver.wait_for(1)

            del w.config["endpoints"]["staying"]
            w.save()
            await hang_up(daemon)
            finish(w, "third")
            for receiver in (moved, coming):
                await receiver.wait_for(2)
            assert await daemon.end() == 0

        assert [len(each.got) for each in (staying, moving, moved, coming)] == [2, 1, 2, 2]
        first, second = daemon.logs("reloaded")
        assert first["endpoints_added"] == ["coming"]
        assert first["endpoints_changed"] == ["moving"]
        assert second["endpoints_removed"] == ["staying"]


async def test_pending_rows_go_to_the_new_url_with_the_new_secret_at_once(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        old, new = await w.receiver(answer=None), await w.receiver()
        w.endpoint(old, timeout="1s", retry_schedule=["100ms", *["1s"] * 49])
        begin(w, "job")
        async with running(w.save()) as daemon:
            finish(w, "job")
            await old.wait_for(2)
            w.secret = generate_secret()
            w.endpoint(new)
            w.save()
            await hang_up(daemon)
            await new.wait_for(1)
            assert await daemon.end() == 0

        assert verifies(w.secret, new.got[0])
        assert (old.got[0].id, old.got[0].body) == (new.got[0].id, new.got[0].body)


async def test_what_is_for_an_endpoint_that_leaves_is_cancelled_and_nothing_waits_for_it(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        hanging, app = await w.receiver(answer=None), await w.receiver()
        w.endpoint(hanging, "hanging", timeout="1s", retry_schedule=["5m"])
        w.endpoint(app)
        begin(w, "job")
        async with running(w.save(), "--exit-when-done") as daemon:
            finish(w, "job")
            await app.wait_for(1)
            await hanging.wait_for(1)
            del w.config["endpoints"]["hanging"]
            w.save()
            daemon.process.send_signal(signal.SIGHUP)
            assert await daemon.exit_code() == 1
        (line,) = daemon.logs("deliveries_cancelled")
        assert (line["endpoint"], line["deliveries"]) == ("hanging", 1)


async def test_the_command_that_a_reload_prints_sends_what_it_has_cancelled(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        leaving, app = await w.receiver(answer=lambda _: Response(500)), await w.receiver()
        w.endpoint(leaving, "leaving", retry_schedule=["5m"])
        w.endpoint(app)
        begin(w, "job")
        async with running(w.save()) as daemon:
            finish(w, "job")
            await leaving.wait_for(1)
            await app.wait_for(1)
            settings = w.config["endpoints"].pop("leaving")
            reloaded = await notifier("reload", "-c", w.save())
            assert "removed endpoint leaving\n" in reloaded.stdout
            warning, _, printed = reloaded.stderr.strip().partition(" run: notifier ")
            assert "1 pending delivery to leaving" in warning
            (line,) = daemon.logs("deliveries_cancelled")
            logged = line["hint"].partition(" run: notifier ")[2]
            assert printed == f"{logged} -c {w.config_path}"

            w.config["endpoints"]["leaving"] = settings
            leaving.answer = lambda _: Response(204)
            await notifier("reload", "-c", w.save())
            replayed = await notifier(*printed.split())
            assert replayed.stdout == "leaving: 1 event\n"
            await leaving.wait_for(2)
            assert await daemon.end() == 0
        assert leaving.got[0].id == leaving.got[1].id


async def test_unchanged_pollers_keep_their_rhythm_and_their_requests(tmp_path: Path) -> None:
    """The request that hangs when the config changes is the one that brings the answer."""
    async with world(tmp_path, speed=1.0) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        w.gateway(poll_interval="1h", min_poll_interval="100ms")
        finish(w, "job")
        w.sandbox.script("job", ["slow"])
        async with running(w.save()) as daemon:
            await eventually(lambda: len(w.sandbox.requests) == 1, "the request")
            w.config["log"] = {"level": "debug"}
            w.endpoint(app, "another")
            w.save()
            await hang_up(daemon)
            await hang_up(daemon)
            await app.wait_for(2)
            assert await daemon.end() == 0
        assert len(w.sandbox.requests) == 1


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("this is not TOML", "TOML"),
        ("[gateways.main]\nbase_url = 'http://127.0.0.1:1/v1'\npoll = 1\n", "poll"),
        (
            "[gateways.main]\nbase_url = 'http://127.0.0.1:1/v1'\napi_key = { env = 'NOT_SET' }\n",
            "NOT_SET",
        ),
        (
            "[gateways.main]\nbase_url = 'http://127.0.0.1:1/v1'\nca_file = 'nowhere.pem'\n",
            "nowhere.pem",
        ),
    ],
)
async def test_a_bad_config_leaves_everything_as_it_was_and_says_what_is_wrong(
    broken: str, reason: str, tmp_path: Path
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job")
        async with running(w.save()) as daemon:
            w.config_path.write_text(broken)
            await hang_up(daemon, "reload_failed")
            finish(w, "job")
            await app.wait_for(1)

            w.endpoint(await w.receiver(), "another")
            w.save()
            await hang_up(daemon)
            assert await daemon.end() == 0
        line = daemon.logs("reload_failed")[0]
        assert reason in f"{line.get('key')} {line['reason']}"


async def test_gateways_and_watches_come_and_go(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway()
        begin(w, "one")
        w.config["watches"][0]["gateway"] = "main"
        async with running(w.save()) as daemon:
            w.config["gateways"]["second"] = dict(w.config["gateways"]["main"])
            begin(w, "two")
            w.config["watches"][1]["gateway"] = "second"
            w.save()
            await hang_up(daemon)
            finish(w, "two")
            await app.wait_for(1)
            assert app.got[0].event["watch"]["gateway"] == "second"

            main = w.config["gateways"].pop("main")
            del w.config["watches"][0]
            w.save()
            await hang_up(daemon)
            await daemon.wait_for_log("withdrawn")
            asked = len(w.sandbox.requests)

            w.config["gateways"]["main"] = main
            w.watch("one", gateway="main")
            w.save()
            await hang_up(daemon)
            finish(w, "one")
            await app.wait_for(2)
            assert await daemon.end() == 0
        assert len(w.sandbox.requests) > asked


async def test_a_start_goes_on_although_the_gateway_of_an_open_watch_has_left(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.config["archive"] = {"dir": str(tmp_path / "copies")}
        w.gateway(archive=True, expiry_notice="1h")
        begin(w, "ended")
        w.sandbox.create(video_id="left", duration=ENDLESS)
        async with running(w.save()) as daemon:
            added = await notifier("watch", "add", "left", "-c", w.config_path)
            assert added.returncode == 0
            finish(w, "ended")
            await app.wait_for(2)
            assert await daemon.end() == 0
        w.config["gateways"] = {"prod": w.config["gateways"]["main"]}
        w.config["watches"] = []
        begin(w, "next")
        async with running(w.save()) as daemon:
            (line,) = daemon.logs("watch_without_gateway")
            assert (line["gateway"], line["video_id"]) == ("main", "left")
            finish(w, "next")
            await app.wait_for(4)
            w.config["gateways"] = {"last": w.config["gateways"]["prod"]}
            reloaded = await notifier("reload", "-c", w.save())
            assert "added gateway last\nremoved gateway prod\n" in reloaded.stdout
            assert reloaded.stderr == ""
            w.config["watches"] = []
            w.config["gateways"]["main"] = w.config["gateways"]["last"]
            await notifier("reload", "-c", w.save())
            del w.config["gateways"]["main"]
            reloaded = await notifier("reload", "-c", w.save())
            assert "open watches of main are no longer polled" in reloaded.stderr
            removed = await notifier("watch", "remove", "left", "-c", w.config_path)
            assert removed.returncode == 0, removed.stderr
            assert await daemon.end() == 0


async def test_a_new_api_key_is_tried_at_once_also_while_the_gateway_is_paused(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, api_key="sk-right-key-0000") as w:
        app = await w.receiver()
        w.endpoint(app)
        w.gateway(api_key="sk-wrong-key-0000")
        begin(w, "one", "two")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("gateway_paused")
            finish(w, "one")
            finish(w, "two")
            w.gateway(api_key="sk-right-key-0000")
            w.save()
            await hang_up(daemon)
            await app.wait_for(2)
            assert await daemon.end() == 0
        assert len(daemon.logs("gateway_paused")) == 1


async def test_the_log_level_changes_in_place_and_store_path_and_passthrough_need_a_restart(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        begin(w, "job")
        async with running(w.save()) as daemon:
            await eventually(lambda: len(w.sandbox.requests) > 3, "some polls")
            quiet = [line for line in daemon.logs("poll") if line["level"] == "debug"]
            w.config["log"] = {"level": "debug"}
            w.config["store"] = {"path": str(tmp_path / "elsewhere.db")}
            w.config["passthrough"] = {"listen": "127.0.0.1:0"}
            w.save()
            await hang_up(daemon)
            await eventually(
                lambda: any(line["level"] == "debug" for line in daemon.logs("poll")),
                "debug lines",
            )
            assert await daemon.end() == 0
        assert quiet == []
        assert daemon.logs("restart_needed")[0]["keys"] == ["store.path", "passthrough"]
        assert not (tmp_path / "elsewhere.db").exists()
