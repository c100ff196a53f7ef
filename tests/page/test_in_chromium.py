"""The page in a real Chromium: it is live, its buttons work, and hostile text stays text."""

import re
from pathlib import Path

import trio
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from notifier.http_server import Response
from tests.control.client import Api, serving
from tests.faults.jobs import ENDLESS, begin, finish
from tests.page.chromium import NEEDS_CHROMIUM, WIDTHS, Tab, in_chromium
from tests.page.client import TOKEN
from tests.process.harness import FAST, Receiver, World, running, world

pytestmark = NEEDS_CHROMIUM

HOSTILE = "<img src=x onerror=alert(1)>\"'`{{7*7}}"
SERIOUS = {"serious", "critical"}


async def receivers(w: World) -> Receiver:
    """Configure an endpoint that refuses, one that is gone, and one that takes everything."""
    app = await w.receiver()
    w.endpoint(app)
    full = Response(500, {}, b"the queue is full <b>today</b>")
    w.endpoint(await w.receiver(answer=lambda _: full), "billing")
    w.endpoint(await w.receiver(answer=lambda _: Response(410, {}, b"")), "old-crm")
    return app


async def last_event(api: Api) -> str:
    events = (await api.ask("GET", "/v1/events?type=video.*")).body["data"]
    return str(events[0]["id"])


async def test_the_overview_shows_what_happens_while_it_is_open(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        w.gateway(not_found_grace="1h")
        w.watch("job")
        w.sandbox.create(video_id="job", duration=30)
        async with serving(w) as api:

            def look(browser: Browser) -> None:
                tab = Tab(browser, api.port)
                tab.open()
                tab.page.evaluate("window.sameDocument = true")
                row = "tr[data-key='video:main/job']"
                tab.wait_for_text(f"{row} .state", "in_progress")
                tab.wait_for_text(f"{row} [data-as=percent]", re.compile(r"^[1-9]\d* %$"))
                trio.from_thread.run(api.ask, "POST", "/v1/watches", {"video_id": "second"})
                tab.wait_for_text("tr[data-key='video:main/second']", "second")
                tab.wait_for_text("[data-total]", "2")
                trio.from_thread.run_sync(finish, w, "job")
                tab.wait_for_text("#events tr", "1 delivered")
                tab.page.locator(row).wait_for(state="detached")
                tab.wait_for_text("[data-key='endpoint:app'] .counts", "1 delivered")
                assert tab.page.evaluate("window.sameDocument")
                tab.check()

            await in_chromium(look)


async def test_a_tab_goes_on_after_the_daemon_has_restarted(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        begin(w, "job")
        async with serving(w) as first:
            port = first.port

            def look(browser: Browser) -> None:
                tab = Tab(browser, port)
                tab.open()
                tab.page.evaluate("window.sameDocument = true")
                trio.from_thread.run_sync(stopped.set)
                tab.wait_for_text("#live", "connecting")
                trio.from_thread.run_sync(finish, w, "job")
                tab.wait_until_live()
                tab.wait_for_text("#events tr", "1 delivered")
                assert tab.page.evaluate("window.sameDocument")

            stopped = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(in_chromium, look)
                await stopped.wait()
                await first.daemon.end()
                w.config["http"] = {"listen": f"127.0.0.1:{port}"}
                async with running(w.save()):
                    while nursery.child_tasks:  # noqa: ASYNC110 - the browser sets no event
                        await trio.sleep(0.1)


async def test_signing_in_and_out(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with serving(w, token=TOKEN) as api:

            def look(browser: Browser) -> None:
                tab = Tab(browser, api.port)
                tab.page.goto(f"{tab.origin}/events")
                tab.page.get_by_label("Token").fill("wrong")
                tab.page.get_by_role("button", name="Sign in").click()
                tab.wait_for_text("[role=alert]", "not the token")
                assert "403" in tab.errors.pop()
                tab.page.get_by_label("Token").fill(TOKEN)
                tab.screenshot("sign-in")
                tab.page.keyboard.press("Enter")
                tab.wait_until_live()
                assert tab.page.url == f"{tab.origin}/events"
                (cookie,) = tab.page.context.cookies()
                assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
                assert not tab.page.evaluate("document.cookie")
                tab.page.get_by_role("button", name="Sign out").click()
                tab.page.get_by_label("Token").wait_for()
                tab.check()

            await in_chromium(look)


async def test_every_button_does_what_it_says(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        app = await receivers(w)
        begin(w, "job", "other")
        w.sandbox.create(video_id="by-hand", duration=ENDLESS)
        async with serving(w) as api:
            finish(w, "job")
            await api.daemon.wait_for_log("endpoint_disabled")
            event = await last_event(api)

            def look(browser: Browser) -> None:
                tab = Tab(browser, api.port)
                tab.open()
                assert "app received notifier.test" in tab.press("Send a test to app")
                refused = tab.press("Send a test to billing")
                assert "the queue is full <b>today</b>" in refused
                assert tab.press("Enable old-crm") == "old-crm is enabled."

                tab.page.get_by_text("Watch a video").click()
                tab.page.get_by_label("Video id").fill("by-hand")
                assert tab.press("Watch") == "by-hand on main is watched now."
                said = tab.press("Withdraw by-hand")
                assert said == "by-hand on main is not watched any more. It gives no event."

                tab.page.get_by_text("Send events again").click()
                tab.page.get_by_label("To").select_option("app")
                tab.page.get_by_label("Which").select_option("all")
                assert tab.press("Send again") == "Events are sent again: 1 to app."

                tab.open(f"/events/{event}")
                said = tab.press("Send again to app")
                assert said == "The event is sent again to app."
                tab.wait_for_text("section[aria-label='Delivery to app'] tr", "delivered")
                said = tab.press("Send again to all of them")
                assert said == "The event is sent again to app, billing, old-crm."
                tab.check()

            await in_chromium(look)
            await app.wait_for(4)
            tests = [got for got in app.got if got.event["type"] == "notifier.test"]
            assert [got.id for got in app.got if got not in tests] == [event] * (len(app.got) - 1)


async def test_what_a_file_lists_is_not_withdrawn_and_the_page_says_why(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        begin(w, "job")
        async with serving(w) as api:

            def look(browser: Browser) -> None:
                tab = Tab(browser, api.port)
                tab.open("/videos?state=open")
                said = tab.press("Withdraw job")
                assert said == "main/job is listed in config: remove it there"
                assert tab.page.url == f"{tab.origin}/videos?state=open"
                tab.check()

            await in_chromium(look)


async def test_hostile_text_stays_text_when_it_is_rendered_and_when_it_is_live(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        answer = Response(500, {}, HOSTILE.encode())
        w.endpoint(await w.receiver(answer=lambda _: answer))
        late = HOSTILE + "late"
        for video_id in (HOSTILE, late):
            w.sandbox.create(video_id=video_id, duration=ENDLESS)
        w.watch(HOSTILE, metadata={"user": HOSTILE})
        async with serving(w) as api:

            def look(browser: Browser) -> None:
                tab = Tab(browser, api.port)
                tab.open()
                tab.wait_for_text("#videos .id", HOSTILE)
                trio.from_thread.run(api.ask, "POST", "/v1/watches", {"video_id": late})
                tab.wait_for_text("#videos .id", late)
                trio.from_thread.run_sync(finish, w, HOSTILE)
                tab.wait_for_text("#events tr", HOSTILE)
                tab.page.locator("#events a").last.click()
                tab.wait_until_live()
                tab.wait_for_text("td.reason", "{{7*7}}")
                tab.wait_for_text("pre", "onerror")
                assert tab.page.locator("main img").count() == 0
                tab.check()

            await in_chromium(look)


async def test_people_can_use_every_view_with_any_width_scheme_and_reader(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        await receivers(w)
        begin(w, "job", "video_68f0a1b2c3d4e5f6", "x" * 200)
        w.gateway()
        nobody = {**FAST, "base_url": "http://127.0.0.1:9/v1"}
        w.config["gateways"]["spare"] = nobody
        for watch in w.config["watches"]:
            watch["gateway"] = "main"
        w.watch("clip-77", gateway="spare")
        async with serving(w) as api:
            finish(w, "job")
            await api.daemon.wait_for_log("endpoint_disabled")
            event = await last_event(api)
            views = {
                "overview": "/",
                "videos": "/videos",
                "events": "/events",
                "event": f"/events/{event}",
            }

            def look(browser: Browser) -> None:
                found: list[str] = []
                for width in WIDTHS:
                    for dark in (False, True) if width == max(WIDTHS) else (False,):
                        tab = Tab(browser, api.port, width=width, dark=dark)
                        for name, path in views.items():
                            tab.open(path)
                            tab.screenshot(f"{name}-{width}-{'dark' if dark else 'light'}")
                            assert not tab.is_too_wide(), (name, width)
                            found += serious(tab, f"{name} at {width}")
                        tab.check()
                        tab.page.context.close()
                assert found == []

            await in_chromium(look)


async def test_the_keyboard_reaches_what_there_is_and_shows_where_it_is(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        begin(w, "job")
        async with serving(w) as api:

            def look(browser: Browser) -> None:
                tab = Tab(browser, api.port)
                tab.open()
                reached: list[str] = []
                for _ in range(10):
                    tab.page.keyboard.press("Tab")
                    reached.append(tab.page.evaluate("document.activeElement.innerText"))
                    outline = "getComputedStyle(document.activeElement).outlineStyle"
                    assert tab.page.evaluate(outline) != "none", reached
                assert reached[0] == "Skip to content"
                for name in ("Overview", "Events", "Watch a video", "Send events again"):
                    assert name in reached
                assert any("Send a test" in each for each in reached)
                assert any("Withdraw" in each for each in reached)

            await in_chromium(look)


async def test_without_anything_the_page_says_what_to_do_next(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        w.endpoint(await w.receiver())
        async with serving(w) as api:

            def look(browser: Browser) -> None:
                tab = Tab(browser, api.port)
                tab.open()
                tab.wait_for_text(".empty", "Add one here")
                tab.wait_for_text(".empty", "An event appears here")
                tab.screenshot("empty")
                tab.page.get_by_label("Video id").fill("first")
                tab.press("Watch")
                tab.wait_for_text("#videos .id", "first")
                tab.open("/events?state=dead")
                tab.wait_for_text(".empty", "Show all events")
                tab.check()

            await in_chromium(look)


def serious(tab: Tab, where: str) -> list[str]:
    """Return what axe-core finds that keeps people from using the page."""
    found = Axe().run(tab.page).response["violations"]
    return [
        f"{where}: {each['id']}: {node['html']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
