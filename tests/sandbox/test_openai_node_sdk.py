"""The unmodified `openai` SDK for Node against the sandbox, installed by npm into its cache."""

import json
from pathlib import Path
from typing import Any

import trio

from notifier.http_server import serve
from notifier.sandbox import Sandbox
from tests.npm import TIMEOUT, folder_with

SDK = "openai@6.49.0"
SCRIPT = Path(__file__).parent / "node" / "videos.mjs"


async def run_script(sandbox: Sandbox) -> dict[str, Any]:
    folder = folder_with(SDK)
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
