"""Copies of finished videos, by a real daemon that is stopped, killed, reloaded and refused."""

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from notifier.http_server import Request, Response, Wire, serve
from tests.archive.contents import Contents, content_of, sha256
from tests.process.harness import (
    Receiver,
    World,
    eventually,
    notifier,
    running,
    world,
)
from tests.process.test_reload import hang_up
from tests.process.verifiers import verifies


@asynccontextmanager
async def archiving(
    folder: Path,
    contents: Contents,
    **settings: Any,  # noqa: ANN401 - passed on
) -> AsyncIterator[tuple[World, Receiver]]:
    """Put a gateway before the sandbox whose content is that of `contents`."""
    async with world(folder) as w:

        async def handle(request: Request, wire: Wire) -> Response | None:
            if request.segments[-1:] == ("content",):
                return await contents.handle(request, wire)
            return await w.sandbox.handle(request, wire)

        port = await w.nursery.start(partial(serve, handle, port=0))
        app = await w.receiver()
        w.endpoint(app)
        gateway = {"base_url": f"http://127.0.0.1:{port}/v1", "archive": True, **settings}
        w.gateway(**gateway)
        yield w, app


def complete(w: World, *video_ids: str) -> None:
    for video_id in video_ids:
        w.sandbox.create(video_id=video_id, duration=0.001)
        w.watch(video_id)


def told(app: Receiver, kind: str) -> dict[str, Any]:
    """Return `watch.archive` of the events of a type, by video; each of them came once."""
    events = {got.id: got.event for got in app.got if got.event["type"] == kind}
    by_video = {event["data"]["id"]: event["watch"]["archive"] for event in events.values()}
    assert len(by_video) == len(events)
    return by_video


async def until_told(app: Receiver, kind: str, count: int) -> dict[str, Any]:
    await eventually(lambda: len(told(app, kind)) >= count, f"{count} times {kind}")
    return told(app, kind)


def copies(w: World) -> Path:
    return w.store_path.parent / "archive" / "main"


def check_copies(w: World, found: dict[str, Any], size: int) -> None:
    for video_id, said in found.items():
        data = Path(said["path"]).read_bytes()
        assert data == content_of(video_id, size)
        assert (said["bytes"], said["sha256"]) == (size, sha256(data))


async def test_a_copy_follows_the_ending_and_is_shown_everywhere(tmp_path: Path) -> None:
    contents = Contents()
    async with archiving(tmp_path, contents, api_key="a-secret-key") as (w, app):
        w.sandbox.api_key = "a-secret-key"
        w.config["archive"] = {"url_prefix": "https://files.example/videos/"}
        complete(w, "video_1")
        config = w.save()
        async with running(config) as daemon:
            found = await until_told(app, "video.archived", 1)
            check_copies(w, found, contents.size)
            path = copies(w) / "video_1.mp4"
            assert found["video_1"] == {
                "path": str(path),
                "bytes": contents.size,
                "sha256": sha256(path.read_bytes()),
                "content_type": "video/mp4",
                "url": "https://files.example/videos/main/video_1.mp4",
            }
            modes = [each.stat().st_mode & 0o777 for each in (path, path.parent, path.parents[1])]
            assert modes == [0o600, 0o700, 0o700]
            assert verifies(w.secret, app.got[-1])

            shown = await notifier("status", "-c", config, "--json")
            (report,) = json.loads(shown.stdout)
            assert report["gateways"][0]["archive"]["waiting"] == 0
            assert report["archive"]["bytes"] == contents.size
            listed = await notifier("watch", "list", "-c", config, "--json")
            (watch,) = json.loads(listed.stdout)
            assert (watch["archive"]["state"], watch["archive"]["path"]) == ("archived", str(path))
            text = await notifier("status", "-c", config)
            assert "main: archives videos: 0 to be copied; 0.2 MB" in text.stdout
            event = await notifier("events", "show", app.got[-1].id, "-c", config)
            assert str(path) in event.stdout
            assert await daemon.end() == 0
        (request,) = contents.requests
        assert request.headers["authorization"] == "Bearer a-secret-key"


async def test_the_ending_does_not_wait_for_the_copy_nor_does_the_exit(tmp_path: Path) -> None:
    contents = Contents(pause=60)
    async with archiving(tmp_path, contents) as (w, app):
        complete(w, "video_1")
        async with running(w.save(), "--exit-when-done", started=False) as daemon:
            await app.wait_for(1)
            assert await daemon.exit_code() == 0
        assert app.got[0].event["type"] == "video.completed"


async def test_content_that_comes_late_is_tried_until_it_is_there(tmp_path: Path) -> None:
    contents = Contents()
    answers = [Response(404), Response(409, {"retry-after": "1"})]
    contents.behave = lambda *_: answers.pop(0) if answers else None
    async with archiving(tmp_path, contents) as (w, app):
        complete(w, "video_1")
        async with running(w.save()) as daemon:
            check_copies(w, await until_told(app, "video.archived", 1), contents.size)
            reasons = [line["reason"] for line in daemon.logs("not_archived_yet")]
            assert reasons == ["the gateway answered 404", "the gateway answered 409"]
            assert await daemon.end() == 0


async def test_a_video_that_is_too_large_is_given_up(tmp_path: Path) -> None:
    async with archiving(tmp_path, Contents()) as (w, app):
        w.config["archive"] = {"max_bytes": 1000}
        complete(w, "video_1")
        async with running(w.save()) as daemon:
            found = await until_told(app, "video.archive_failed", 1)
            assert found["video_1"] == {"reason": "the video has more than max_bytes"}
            assert list(copies(w).glob("*")) == []
            assert await daemon.end() == 0


async def test_downloads_of_a_killed_daemon_are_continued_and_every_copy_is_whole(
    tmp_path: Path,
) -> None:
    contents = Contents(size=30_000_000, pause=0.002)
    names = ["video_1", "video_2"]
    async with archiving(tmp_path, contents) as (w, app):
        complete(w, *names)
        config = w.save()
        for part in (100_000, 20_000_000):
            async with running(config) as daemon:
                await eventually(partial(has_part, w, part), "a part of a copy")
                await daemon.end(signal.SIGKILL)
        contents.pause = 0
        async with running(config) as daemon:
            check_copies(w, await until_told(app, "video.archived", 2), contents.size)
            assert await daemon.end() == 0
        assert sorted(each.name for each in copies(w).iterdir()) == [
            f"{name}.mp4" for name in names
        ]
        assert any("range" in request.headers for request in contents.requests)


def has_part(w: World, size: int) -> bool:
    """Tell whether the beginning of a copy has so many bytes."""
    return any(each.stat().st_size >= size for each in copies(w).glob(".*"))


async def test_a_reload_switches_copies_off_and_on_again(tmp_path: Path) -> None:
    contents = Contents(size=2_000_000, pause=0.5)
    async with archiving(tmp_path, contents) as (w, app):
        complete(w, "video_1")
        gateway = w.config["gateways"]["main"]
        async with running(w.save()) as daemon:
            await eventually(lambda: contents.in_flight == 1, "a download")
            gateway["archive"] = False
            w.save()
            await hang_up(daemon)
            await eventually(lambda: contents.in_flight == 0, "its end")
            w.sandbox.create(video_id="video_2", duration=0.001)
            done = await notifier("watch", "add", "video_2", "--wait", "-c", w.config_path)
            assert done.returncode == 0
            contents.pause = 0
            gateway["archive"] = True
            w.save()
            await hang_up(daemon)
            found = await until_told(app, "video.archived", 1)
            assert await daemon.end() == 0
        check_copies(w, found, contents.size)
        assert list(found) == ["video_1"]  # none is wanted of what ended while it was off


async def test_a_redirect_to_another_host_gets_no_key_and_has_to_be_allowed(
    tmp_path: Path,
) -> None:
    contents, storage = Contents(), Contents()
    async with archiving(tmp_path, contents, api_key="a-secret-key") as (w, app):
        w.sandbox.api_key = "a-secret-key"
        port = await w.nursery.start(partial(serve, storage.handle, port=0))
        location = f"http://127.0.0.1:{port}/bucket/x/video_1?signature=secret"
        contents.behave = lambda *_: Response(302, {"location": location})
        complete(w, "video_1")
        async with running(w.save()) as daemon:
            await daemon.wait_for_log("not_archived_yet")
            reason = daemon.logs("not_archived_yet")[0]["reason"]
            assert "127.0.0.1 is not a public address" in reason
            assert storage.requests == []
            w.config["outbound"] = {"allow": ["127.0.0.0/8"]}
            w.save()
            await hang_up(daemon)
            check_copies(w, await until_told(app, "video.archived", 1), storage.size)
            assert await daemon.end() == 0
        assert "authorization" not in storage.requests[-1].headers
        assert "signature" not in daemon.log_path.read_text()


async def test_old_copies_are_deleted_if_they_are_kept_for_so_long(tmp_path: Path) -> None:
    async with archiving(tmp_path, Contents()) as (w, app):
        complete(w, "video_1")
        config = w.save()
        async with running(config) as daemon:
            found = await until_told(app, "video.archived", 1)
            assert await daemon.end() == 0
        _make_older(w.store_path)
        w.config["archive"] = {"keep": "1h"}
        w.save()
        async with running(config) as daemon:
            await daemon.wait_for_log("copies_deleted")
            assert await daemon.end() == 0
        assert not Path(found["video_1"]["path"]).exists()


def _make_older(store: Path) -> None:
    """Let copies have been made two hours ago."""
    import sqlite3  # noqa: PLC0415 - for this alone

    db = sqlite3.connect(store)
    with db:
        db.execute("UPDATE downloads SET settled_at = settled_at - 7200")
    db.close()
