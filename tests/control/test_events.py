"""Events, resending, replay, endpoints and status over the API."""

from pathlib import Path

from notifier.http_server import Response
from tests.control.client import serving
from tests.faults.jobs import begin, finish
from tests.process.harness import eventually, world
from tests.process.verifiers import verifies


async def test_an_event_shows_every_attempt_and_is_sent_again_under_its_id(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        answers = [Response(500), Response(204), Response(204)]
        app = await w.receiver(answer=lambda _: answers.pop(0))
        w.endpoint(app, retry_schedule=["100ms", "5m"])
        begin(w, "job")
        async with serving(w) as api:
            finish(w, "job")
            await app.wait_for(2)
            await eventually(lambda: len(api.daemon.logs("attempt")) == 2, "both attempts")
            (event,) = (await api.ask("GET", "/v1/events?type=video.*")).body["data"]
            shown = (await api.ask("GET", f"/v1/events/{event['id']}")).body
            (delivery,) = shown["deliveries"]
            assert delivery["state"] == "delivered"
            assert [each["outcome"] for each in delivery["attempts"]] == ["http_500", "delivered"]
            assert shown["body"] == app.got[0].event

            again = await api.ask("POST", f"/v1/events/{event['id']}/resend")
            assert (again.status, again.body) == (202, {"endpoints": ["app"]})
            await app.wait_for(3)
        assert {(got.id, got.body) for got in app.got} == {(app.got[0].id, app.got[0].body)}


async def test_a_replay_sends_what_an_endpoint_has_missed_and_no_more(tmp_path: Path) -> None:
    """One endpoint took both; another is new and has had neither."""
    async with world(tmp_path) as w:
        app, late, team = [await w.receiver() for _ in range(3)]
        w.endpoint(app)
        begin(w, "one", "two")
        async with serving(w) as api:
            for number, video_id in enumerate(("one", "two"), start=1):
                finish(w, video_id)
                await app.wait_for(number)
            w.endpoint(late, "late")
            w.config["endpoints"]["team"] = {"url": team.url, "format": "slack"}
            w.save()
            assert (await api.ask("POST", "/v1/reload")).body["endpoints"]["added"] == [
                "late",
                "team",
            ]
            replayed = await api.ask("POST", "/v1/replay", {"since": 0})
            assert replayed.status == 202
            assert replayed.body["deliveries"] == {"app": 0, "late": 2, "team": 2}
            await late.wait_for(2)
            await team.wait_for(2)
            assert all(verifies(w.secret, got) for got in late.got)
            assert {(got.id, got.body) for got in late.got} == {
                (got.id, got.body) for got in app.got
            }
            assert all("blocks" in got.event for got in team.got)

            since = "2020-01-01T00:00Z"
            wanted = {"since": since, "endpoint": "app", "only": "all"}
            everything = await api.ask("POST", "/v1/replay", wanted)
            assert everything.body["deliveries"] == {"app": 2}
            await app.wait_for(4)


async def test_a_disabled_endpoint_is_enabled_and_gets_what_was_held_at_once(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=lambda _: Response(410))
        w.endpoint(app)
        begin(w, "one", "two")
        async with serving(w) as api:
            finish(w, "one")
            await api.daemon.wait_for_log("endpoint_disabled")
            finish(w, "two")
            await eventually(lambda: len(api.daemon.logs("event")) == 2, "the second event")
            (row,) = (await api.ask("GET", "/v1/endpoints")).body["data"]
            assert "410" in row["disabled"]
            assert row["held"] == 2

            app.answer = lambda _: Response(204)
            enabled = await api.ask("POST", "/v1/endpoints/app/enable")
            assert enabled.body == {"enabled": True}
            await app.wait_for(3)
            await api.daemon.wait_for_log("endpoint_recovered")
            assert (await api.ask("POST", "/v1/endpoints/app/enable")).body == {"enabled": False}


async def test_a_test_event_is_sent_once_and_the_answer_shown(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver(answer=lambda _: Response(503))
        w.endpoint(app)
        async with serving(w) as api:
            answer = await api.ask("POST", "/v1/endpoints/app/test")
        assert (answer.body["delivered"], answer.body["outcome"]) == (False, "http_503")
        (got,) = app.got
        assert got.event["type"] == answer.body["type"] == "notifier.test"


async def test_a_sample_of_any_type_is_sent_by_the_daemon_and_an_unknown_one_refused(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        async with serving(w) as api:
            test = ("POST", "/v1/endpoints/app/test")
            answer = await api.ask(*test, {"type": "video.timed_out"})
            wrong = await api.ask(*test, {"type": "video.timedout"})
        assert (answer.body["delivered"], answer.body["type"]) == (True, "video.timed_out")
        (got,) = app.got
        assert (got.event["type"], got.event["test"]) == ("video.timed_out", True)
        assert verifies(w.secret, got)
        assert wrong.status == 422
        assert "did you mean `video.timed_out`?" in wrong.body["detail"]


async def test_status_has_the_open_watches_and_the_state_of_gateways_and_endpoints(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        begin(w, "job")
        async with serving(w) as api:
            await eventually(lambda: bool(w.sandbox.requests), "a poll")
            status = (await api.ask("GET", "/v1/status")).body
            ready = await api.ask("GET", "/readyz")
        assert status["watches"] == {"open": 1, "polled": 1}
        assert status["pid"] == api.daemon.process.pid
        (gateway,) = status["gateways"]
        assert (gateway["paused"], gateway["open_watches"]) == (False, 1)
        assert gateway["requests_per_second"] > 0
        assert (gateway["state"], gateway["last_error"]) == ("ok", None)
        assert gateway["since"] > 0
        assert ready.status == 200
        assert ready.body == {"status": "ready", "store": True, "loops": True}


async def test_metrics_count_what_happened_and_show_the_present_state(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        begin(w, "job", "another")
        async with serving(w) as api:
            finish(w, "job")
            await app.wait_for(1)
            await eventually(lambda: len(api.daemon.logs("attempt")) == 1, "the attempt")
            await api.ask("POST", "/v1/reload")
            scraped = await api.ask("GET", "/metrics")
        assert scraped.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = scraped.body.splitlines()
        assert 'notifier_open_watches{gateway="main"} 1.0' in lines
        assert 'notifier_delivery_attempts_total{endpoint="app",outcome="delivered"} 1.0' in lines
        assert "notifier_config_last_reload_successful 1.0" in lines
