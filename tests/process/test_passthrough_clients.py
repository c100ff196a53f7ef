"""Unmodified clients use everything that the sandbox serves through pass-through."""

import json
import shutil
import warnings
from pathlib import Path

import pytest
import trio
from openai import NotFoundError, OpenAI

from tests.npm import TIMEOUT, folder_with
from tests.process.test_passthrough import KEY, Passing, passing
from tests.sandbox.test_openai_node_sdk import SCRIPT, SDK


def every_call(base_url: str) -> set[str]:
    """Make every video call of the SDK for Python; return the ids of the jobs that it made."""
    clip = ("cat.mp4", b"\x00\x00\x00\x08free", "video/mp4")
    with warnings.catch_warnings(), OpenAI(base_url=base_url, api_key=KEY) as client:
        # the SDK marks its whole video API as deprecated; that it works here is the point
        warnings.filterwarnings("ignore", message="The Sora API", category=DeprecationWarning)
        videos = client.videos
        source = videos.create_and_poll(prompt="a cat [0.2s]", seconds="8", poll_interval_ms=50)
        assert videos.retrieve(source.id).status == "completed"
        for variant in ("video", "thumbnail", "spritesheet"):
            assert videos.download_content(source.id, variant=variant).read()
        remix = videos.remix(source.id, prompt="at night [0.2s]")
        assert remix.remixed_from_video_id == source.id
        edit = videos.edit(prompt="at night [0.2s]", video=clip)
        longer = videos.extend(prompt="and on [0.2s]", seconds="8", video=clip)
        character = videos.create_character(name="Mimi", video=clip)
        assert character.id is not None
        assert videos.get_character(character.id).name == "Mimi"
        made = {source.id, remix.id, edit.id, longer.id}
        assert {each.id for each in videos.list(limit=2)} == made
        for video_id in made:
            videos.poll(video_id, poll_interval_ms=50)
        assert videos.delete(source.id).deleted
        with pytest.raises(NotFoundError):
            videos.retrieve(source.id)
        return made


async def test_every_call_of_the_python_sdk(tmp_path: Path) -> None:
    async with passing(tmp_path) as here:
        made = await trio.to_thread.run_sync(every_call, here.base_url)
        await here.receiver.wait_for(len(made))
        assert {got.event["data"]["id"] for got in here.receiver.got} == made


async def test_every_call_of_the_node_sdk(tmp_path: Path) -> None:
    folder = folder_with(SDK)
    async with passing(tmp_path) as here:
        seen = json.loads(await run("node", str(SCRIPT), str(folder), here.base_url, KEY))
        assert seen["source"]["status"] == "completed"
        assert seen["missing"] == ["NotFoundError", "video_not_found"]
        await here.receiver.wait_for(len(seen["listed"]))
        watched = {got.event["data"]["id"] for got in here.receiver.got}
        assert watched == set(seen["listed"])


async def test_curl_with_a_large_upload_that_expects_100_continue(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is missing (Debian package curl)")
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(bytes(2 << 20))
    async with passing(tmp_path) as here:
        form = ("-F", "prompt=a cat", "-F", f"input_reference=@{clip};type=video/mp4")
        answer = await curl(here, "/videos", "-H", "Expect: 100-continue", "-i", *form)
        assert "notifier-watch: added" in answer
        await here.receiver.wait_for(1)
        (job,) = here.world.sandbox.jobs
        assert json.loads(await curl(here, f"/videos/{job}"))["status"] == "completed"
        await curl(here, f"/videos/{job}/content", "-o", str(tmp_path / "video.mp4"))
        assert b"ftyp" in (tmp_path / "video.mp4").read_bytes()[:12]
        assert json.loads(await curl(here, f"/videos/{job}", "-X", "DELETE"))["deleted"]


async def curl(here: Passing, path: str, *options: str) -> str:
    key = ("-H", f"Authorization: Bearer {KEY}")
    return await run("curl", "-sS", "--fail", *key, *options, here.base_url + path)


async def run(*command: str) -> str:
    with trio.fail_after(TIMEOUT):
        done = await trio.run_process(
            command, check=False, capture_stdout=True, capture_stderr=True
        )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()
