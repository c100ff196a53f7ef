"""A daemon and its receivers where some addresses count as public, without leaving the machine.

Run in a network namespace of its own (`unshare --net`), which has nothing but loopback and, on
it, an address that is public everywhere else. Prints what the receivers got, as JSON.
"""

import json
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import trio

from notifier.http_server import Response, serve
from tests.control.client import serving
from tests.faults.jobs import ENDLESS, finish
from tests.process.harness import Daemon, Receiver, eventually, world
from tests.process.verifiers import verifies

PUBLIC_ADDRESS = "93.184.216.34"


def attempts(daemon: Daemon) -> list[dict[str, Any]]:
    return [line for line in daemon.logs("attempt") if line["endpoint"] == "app@callback"]


async def live(folder: Path) -> dict[str, object]:
    async with world(folder) as w:
        app = await w.receiver()
        w.endpoint(app, headers={"x-secret": "for app alone"}, retry_schedule=["100ms"])
        good = Receiver()
        gone = Receiver(answer=lambda _: Response(410))
        for each in (good, gone):
            each.port = await w.nursery.start(
                partial(serve, each.handle, host=PUBLIC_ADDRESS, port=0)
            )
        private = await w.receiver()
        urls = {
            "good": f"http://{PUBLIC_ADDRESS}:{good.port}/hook?token=1",
            "gone": f"http://{PUBLIC_ADDRESS}:{gone.port}/",
            "rebound": f"http://localhost:{private.port}/",
        }
        async with serving(w, allow_callback_urls=True) as api:
            for name, url in urls.items():
                w.sandbox.create(video_id=name, duration=ENDLESS)
                await api.ask("POST", "/v1/watches", {"video_id": name, "callback_url": url})
            for name in urls:
                finish(w, name)
            await app.wait_for(len(urls))
            await good.wait_for(1)
            await eventually(lambda: len(attempts(api.daemon)) == 4, "four attempts")
            endpoints = (await api.ask("GET", "/v1/endpoints")).body["data"]
            shown = (await api.ask("GET", "/v1/watches/main/good")).body["callback"]
        (got,) = good.got
        tried = attempts(api.daemon)
        return {
            "verified": verifies(w.secret, got),
            "headers": sorted(got.headers),
            "video": got.event["data"]["id"],
            "gone": len(gone.got),
            "private": len(private.got),
            "outcomes": sorted(f"{line['video_id']} {line['outcome']}" for line in tried),
            "dead": sorted(line["video_id"] for line in tried if "dead_letter" in line),
            "disabled": [each["disabled"] for each in endpoints],
            "shown": shown,
        }


def main() -> None:
    for command in ("link set lo up", f"addr add {PUBLIC_ADDRESS}/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
    with tempfile.TemporaryDirectory() as folder:
        json.dump(trio.run(live, Path(folder)), sys.stdout)


if __name__ == "__main__":
    main()
