"""Watches added over the API: durable before the answer, never doubled, and removable."""

import signal
from pathlib import Path

from tests.control.client import serving
from tests.faults.jobs import ENDLESS, finish
from tests.process.harness import eventually, running, world

DAY = 24 * 3600


async def test_a_watch_is_durable_before_the_answer_and_survives_a_kill(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.sandbox.create(video_id="a/b?c", duration=ENDLESS)
        async with serving(w) as api:
            wanted = {"video_id": "a/b?c", "metadata": {"user": "7"}}
            answer = await api.ask("POST", "/v1/watches", wanted)
            api.daemon.process.send_signal(signal.SIGKILL)
            assert await api.daemon.exit_code() == -signal.SIGKILL
        assert answer.status == 201
        assert answer.headers["location"] == "/v1/watches/main/a%2Fb%3Fc"
        assert answer.body["listed_in"] == ["api"]

        finish(w, "a/b?c")
        async with running(w.config_path, "--exit-when-done") as daemon:
            assert await daemon.exit_code() == 0
        assert app.got[0].event["watch"]["metadata"] == {"user": "7"}


async def test_the_same_watch_twice_is_one_and_other_settings_are_a_conflict(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.sandbox.create(video_id="job", duration=ENDLESS)
        async with serving(w) as api:
            wanted = {"video_id": "job", "endpoints": ["app"]}
            first, second = [await api.ask("POST", "/v1/watches", wanted) for _ in range(2)]
            assert (first.status, second.status) == (201, 200)
            other = await api.ask("POST", "/v1/watches", {"video_id": "job"})
            assert other.status == 409
            assert "other settings" in other.body["detail"]

            finish(w, "job")
            await app.wait_for(1)
            ended = await api.ask("POST", "/v1/watches", wanted)
            assert (ended.status, ended.body["state"]) == (200, "ended")
            assert ended.body["event_id"] == app.got[0].id

            again = await api.ask("POST", "/v1/watches", {**wanted, "again": True})
            assert (again.status, again.body["generation"]) == (201, 2)
            await app.wait_for(2)
            assert app.got[1].id != app.got[0].id


async def test_a_watch_is_removed_without_an_event_unless_a_file_lists_it(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await w.receiver()
        w.endpoint(app)
        for video_id in ("kept", "removed"):
            w.sandbox.create(video_id=video_id, duration=ENDLESS)
        w.watch("kept")
        async with serving(w) as api:
            await api.ask("POST", "/v1/watches", {"video_id": "removed"})
            await eventually(lambda: len(api.daemon.logs("poll")) >= 2, "both to be polled")
            assert (await api.ask("DELETE", "/v1/watches/main/removed")).status == 204
            assert len(api.daemon.logs("withdrawn")) == 1
            assert (await api.ask("DELETE", "/v1/watches/main/removed")).status == 404
            kept = await api.ask("DELETE", "/v1/watches/main/kept")
            assert kept.status == 409
            assert "config" in kept.body["detail"]
            listed = (await api.ask("GET", "/v1/watches?state=open")).body["data"]
            assert [each["video_id"] for each in listed] == ["kept"]
        assert app.got == []


async def test_a_watch_of_the_api_stays_when_files_change(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        for video_id in ("job", "other"):
            w.sandbox.create(video_id=video_id, duration=ENDLESS)
        folder = tmp_path / "watches.d"
        folder.mkdir()
        async with serving(w) as api:
            await api.ask("POST", "/v1/watches", {"video_id": "job"})
            dropin = folder / "other.toml"
            dropin.write_text('[[watches]]\nvideo_id = "other"\n')
            await eventually(
                lambda: any(line["video_id"] == "other" for line in api.daemon.logs("poll")),
                "the drop-in",
            )
            dropin.unlink()
            await api.daemon.wait_for_log("withdrawn")
            (job,) = (await api.ask("GET", "/v1/watches?state=open")).body["data"]
            assert job["video_id"] == "job"
