"""The unmodified `openai` SDK for Node against the sandbox, installed by npm into its cache."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import trio

from notifier.http_server import serve
from notifier.sandbox import Sandbox

SDK = "openai@6.49.0"
SCRIPT = Path(__file__).parent / "node" / "videos.mjs"
TIMEOUT = 120.0


@cache
def node_modules() -> Path:
    """Return a folder that has the SDK; skip the test where npm is missing or cannot get it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node or npm is missing (Debian packages nodejs, npm)")
    command = [npm, "exec", "--yes", f"--package={SDK}", "--", "node", "-p", "process.env.PATH"]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install {SDK} in time")
    folders = (Path(entry).parent for entry in done.stdout.strip().split(":"))
    for folder in folders:
        if folder.name == "node_modules" and (folder / "openai").is_dir():
            return folder.parent
    pytest.skip(f"npm could not install {SDK}: {done.stderr[-200:]}")


async def run_script(sandbox: Sandbox) -> dict[str, Any]:
    folder = node_modules()
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve, sandbox.handle)
        base_url = f"http://127.0.0.1:{port}/v1"
        with trio.fail_after(TIMEOUT):
            done = await trio.run_process(
                ["node", str(SCRIPT), str(folder), base_url],
                check=False,
                capture_stdout=True,
                capture_stderr=True,
            )
        nursery.cancel_scope.cancel()
    assert done.returncode == 0, done.stderr.decode()
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


async def test_every_video_call_works() -> None:
    sandbox = Sandbox(api_key="sk-sandbox")
    seen = await run_script(sandbox)
    source = seen["source"]
    assert (source["status"], source["seconds"]) == ("completed", "8")
    assert seen["types"] == {
        "video": "video/mp4",
        "thumbnail": "image/webp",
        "spritesheet": "image/jpeg",
    }
    assert seen["remix"]["remixed_from_video_id"] == source["id"]
    assert (seen["edit"]["seconds"], seen["editOfUpload"]["status"]) == ("8", "queued")
    assert seen["extension"]["seconds"] == "12"
    assert seen["character"] == seen["found"]
    assert seen["withImage"]["id"] in seen["listed"]
    assert len(seen["listed"]) == len(set(seen["listed"])) == 6
    assert seen["deleted"] == {"id": source["id"], "object": "video.deleted", "deleted": True}
    assert seen["missing"] == ["NotFoundError", "video_not_found"]
    assert set(seen["calls"]) - {"constructor"} == {
        *("create", "retrieve", "list", "delete", "downloadContent", "remix"),
        *("edit", "extend", "createCharacter", "getCharacter"),
    }
