"""`watch import`: what drop-in files list is kept by the daemon, and goes on without the files."""

import json
from pathlib import Path
from typing import Any

import tomli_w

from tests.process.harness import World, notifier, running, world


def dropin(w: World, name: str, *entries: dict[str, object]) -> Path:
    folder = w.folder / "watches.d"
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(tomli_w.dumps({"watches": list(entries)}))
    return path


async def rows(w: World) -> dict[str, dict[str, Any]]:
    listed = await notifier("watch", "list", "--all", "--json", "-c", w.config_path)
    return {row["video_id"]: row for row in json.loads(listed.stdout)}


async def test_what_was_imported_goes_on_without_its_file_and_with_its_settings(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, speed=20) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.endpoint(await w.receiver(), "other")
        w.gateway(not_found_grace="1h")
        file = dropin(
            w, "jobs.toml", {"video_id": "tagged", "metadata": {"user": "7"}, "endpoints": ["app"]}
        )
        async with running(w.save()):
            done = await notifier("watch", "import", file, "-c", w.config_path)
            assert (done.returncode, done.stderr) == (0, "")
            assert "tagged on main: imported, the daemon keeps it" in done.stdout
            assert f"{file} is not needed any more; to delete it: rm {file}" in done.stdout
            again = await notifier("watch", "import", file, "-c", w.config_path)
            assert again.returncode == 0
            assert "tagged on main: the daemon keeps it already" in again.stdout
            file.unlink()
            w.sandbox.create(video_id="tagged", duration=1)
            await app.wait_for(1)
            assert (await rows(w))["tagged"]["listed_in"] == ["api"]
            ended = await notifier(
                "watch", "import", dropin(w, "late.toml", {"video_id": "tagged"}), "-c",
                w.config_path,
            )  # fmt: skip
            assert ended.returncode == 0
            assert "tagged on main: has ended already as video.completed (evt_" in ended.stdout
    (got,) = app.got
    assert got.event["watch"]["metadata"] == {"user": "7"}


async def test_what_cannot_be_imported_is_named_and_stops_nothing_else(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        outside = tmp_path / "elsewhere.toml"
        outside.write_text(
            tomli_w.dumps({"watches": [{"video_id": "taken"}, {"video_id": "good"}]})
        )
        broken = dropin(w, "broken.toml", {"video_id": "x", "gateway": "unknown"})
        async with running(w.save()):
            added = await notifier(
                "watch", "add", "taken", "--metadata", "user=7", "-c", w.config_path
            )
            assert added.returncode == 0, added.stderr
            done = await notifier("watch", "import", outside, broken, "-c", w.config_path)
            assert done.returncode == 1
            assert "good on main: imported" in done.stdout
            assert f"{outside}: taken on main: " in done.stderr
            assert "already watched with other settings (api)" in done.stderr
            assert f"{broken}" in done.stderr
            assert f"{outside} is still needed for what was not imported" in done.stderr
            assert outside.exists()
            assert (await rows(w)).keys() == {"taken", "good"}


async def test_a_video_that_a_file_watches_once_more_is_imported_once_more(tmp_path: Path) -> None:
    async with world(tmp_path, speed=20) as w:
        app = await w.receiver()
        w.endpoint(app)
        w.sandbox.create(video_id="twice", duration=1)
        first = dropin(w, "first.toml", {"video_id": "twice"})
        async with running(w.save()):
            await app.wait_for(1)
            first.unlink()
            second = tmp_path / "second.toml"
            second.write_text(tomli_w.dumps({"watches": [{"video_id": "twice", "generation": 2}]}))
            done = await notifier("watch", "import", second, "-c", w.config_path)
            assert done.returncode == 0, done.stderr
            await app.wait_for(2)


async def test_importing_needs_a_daemon(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        file = dropin(w, "jobs.toml", {"video_id": "one"})
        done = await notifier("watch", "import", file, "-c", w.save())
    assert done.returncode == 1
    assert "no daemon is running on" in done.stderr
    assert file.exists()
