"""The picture of the page."""

from pathlib import Path

import trio
from playwright.sync_api import Browser

from notifier.http_server import Response
from tests.control.client import serving
from tests.page.chromium import Tab, in_chromium
from tests.process.harness import eventually, world

_WIDTH, _HEIGHT = 1180, 1060
_ENDED = ("completed", "completed", "failed", "completed", "cancelled")
_RUNNING = (60, 100, 160, 240, 300)
"""How long the jobs take that are still running then, in seconds."""


async def picture_of_the_page(folder: Path) -> bytes:
    """Run a daemon with jobs in every state; return its page as PNG."""
    async with world(folder) as w:
        app = await w.receiver()
        busy = await w.receiver(answer=lambda _: Response(503, {}, b"the queue is full"))
        w.endpoint(app)
        w.endpoint(busy, "billing")
        w.gateway(poll_interval="1s")
        for number, ending in enumerate(_ENDED):
            w.sandbox.create(video_id=f"video_68f109{number:02}", duration=5, ending=ending)
            w.watch(f"video_68f109{number:02}")
        for number, duration in enumerate(_RUNNING):
            w.sandbox.create(video_id=f"video_68f10a{number:02}", duration=duration)
            w.watch(f"video_68f10a{number:02}")
        async with serving(w) as api:
            await eventually(lambda: len(app.got) >= len(_ENDED), "five events")
            await trio.sleep(20)  # progress, and a forecast made from it, take their time

            def look(browser: Browser) -> bytes:
                tab = Tab(browser, api.port, width=_WIDTH)
                tab.page.set_viewport_size({"width": _WIDTH, "height": _HEIGHT})
                tab.open()
                tab.check()
                return tab.page.screenshot()

            return await in_chromium(look)
