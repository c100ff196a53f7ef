"""Who may see the page and press its buttons."""

import re
from pathlib import Path

import pytest

from notifier.page.paths import own_view
from tests.control.client import serving
from tests.page.client import TOKEN, Visitor
from tests.process.harness import World, world

ACTION = "/actions/enable"
FOREIGN = "http://evil.example"


def with_endpoint(w: World, port: int = 9) -> None:
    w.config["endpoints"] = {"app": {"url": f"http://127.0.0.1:{port}/", "secret": w.secret}}


async def test_the_page_names_no_foreign_origin_and_its_policy_allows_none(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        with_endpoint(w)
        async with serving(w) as api:
            visitor = Visitor(api.port)
            for path in ("/", "/videos", "/events", "/events/evt_nope", "/videos?limit=many"):
                shown = await visitor.get(path)
                assert shown.status == {"/events/evt_nope": 404, "/videos?limit=many": 422}.get(
                    path, 200
                )
                policy = shown.headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert not re.search(r'(src|href|action)="(https?:)?//', shown.text)
                assert not re.search(r"<style|style=|<script>|onclick", shown.text)
            for path in ("/assets/page.js", "/assets/page.css", "/favicon.svg"):
                asset = await visitor.get(path)
                assert asset.status == 200
                assert not re.search(r"@import|url\(|//cdn|fetch\(['\"]http", asset.text)


async def test_a_link_on_another_site_leads_to_the_page_and_to_nothing_else(
    tmp_path: Path,
) -> None:
    link = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    async with world(tmp_path) as w:
        with_endpoint(w)
        async with serving(w) as api:
            visitor = Visitor(api.port)
            for path in ("/", "/videos", "/events", "/sign-in"):
                opened = await visitor.get(path, **link, sec_fetch_dest="document")
                assert opened.status in {200, 303}, path
            for path in ("/v1/status", "/v1/stream", "/metrics", "/assets/page.js", "/nothing"):
                refused = await visitor.get(path, **link, sec_fetch_dest="document")
                assert refused.status == 403, path
            framed = await visitor.get("/", **link, sec_fetch_dest="iframe")
            fetched = await visitor.get("/", sec_fetch_site="cross-site", sec_fetch_mode="cors")
            asked = await visitor.get("/", origin=FOREIGN)
            rebound = await visitor.get("/", host="evil.example")
            assert (framed.status, fetched.status, asked.status) == (403, 403, 403)
            assert rebound.status == 421


async def test_a_form_is_taken_from_the_page_itself_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        with_endpoint(w)
        async with serving(w) as api:
            visitor = Visitor(api.port)
            form = {"form_token": (await visitor.get("/")).form_token, "endpoint": "app"}
            for origin in (FOREIGN, "null", "", "http://127.0.0.1", f"ftp://127.0.0.1:{api.port}"):
                refused = await visitor.post(ACTION, form, origin=origin)
                assert refused.status == 403, origin
            for site in ("cross-site", "same-site"):
                refused = await visitor.post(ACTION, form, sec_fetch_site=site)
                assert refused.status == 403
            own_json = await visitor.post("/v1/endpoints/app/enable", {})
            assert own_json.status == 403
            assert (await visitor.post(ACTION, form)).status == 303


async def test_a_form_without_the_token_of_its_page_does_nothing_and_says_so(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        with_endpoint(w)
        async with serving(w) as api:
            visitor = Visitor(api.port)
            for token in ("", "0" * 64, "é"):
                form = {"form_token": token, "video_id": "one", "back": "/videos"}
                done = await visitor.post("/actions/add", form)
                assert done.headers["location"].startswith("/videos?notice=")
                shown = await visitor.get(done.headers["location"])
                assert "nothing was done" in shown.text
            assert (await api.ask("GET", "/v1/watches")).body["data"] == []


async def test_with_a_token_the_page_asks_for_it_and_a_session_opens_the_page(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        with_endpoint(w)
        async with serving(w, token=TOKEN) as api:
            visitor = Visitor(api.port)
            asked = await visitor.get("/events")
            assert (asked.status, asked.headers["location"]) == (303, "/sign-in?next=%2Fevents")
            assert (await visitor.get("/v1/stream")).status == 401
            assert (await visitor.get("/sign-in")).status == 200
            assert (await visitor.sign_in("wrong")).status == 403
            assert (await visitor.get("/")).status == 303

            signed_in = await visitor.sign_in()
            cookie = signed_in.headers["set-cookie"]
            assert (signed_in.status, signed_in.headers["location"]) == (303, "/")
            assert "HttpOnly" in cookie
            assert "SameSite=strict" in cookie
            assert "Secure" not in cookie
            assert TOKEN not in cookie
            assert (await visitor.get("/")).status == 200
            assert (await visitor.get("/v1/status")).status == 200
            assert "enabled already" in await visitor.press("enable", endpoint="app")

            visitor.cookies["another{app}"] = 'odd "value'
            assert (await visitor.get("/")).status == 200
            other = Visitor(api.port)
            form = {"form_token": (await visitor.get("/")).form_token, "endpoint": "app"}
            assert (await other.post(ACTION, form)).status == 401

            leaving = {"form_token": (await visitor.get("/")).form_token}
            stolen = Visitor(api.port, dict(visitor.cookies))
            assert (await visitor.post("/sign-out", leaving)).status == 303
            assert (await stolen.get("/")).status == 303
        assert TOKEN not in api.daemon.log_path.read_text()


async def test_the_cookie_is_secure_behind_tls(tmp_path: Path) -> None:
    async with world(tmp_path) as w:
        with_endpoint(w)
        async with serving(w, token=TOKEN) as api:
            visitor = Visitor(api.port)
            host = f"127.0.0.1:{api.port}"
            signed_in = await visitor.sign_in(origin=f"https://{host}")
            assert "Secure" in signed_in.headers["set-cookie"]


async def test_a_link_on_another_site_is_followed_again_so_that_the_cookie_comes_along(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as w:
        with_endpoint(w)
        async with serving(w, token=TOKEN) as api:
            shown = await Visitor(api.port).get(
                "/events/evt_1",
                sec_fetch_site="cross-site",
                sec_fetch_mode="navigate",
                sec_fetch_dest="document",
            )
            assert shown.status == 200
            assert 'content="0; url=/events/evt_1"' in shown.text


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)",
        "/v1/status", "/sign-out", "", "http://[", "/events\nset-cookie: a=b",
    ],
)  # fmt: skip
def test_no_other_address_is_led_back_to(address: str) -> None:
    assert own_view(address) == "/"


def test_an_address_of_the_page_keeps_its_filters() -> None:
    assert own_view("/events?state=dead&type=video.*") == "/events?state=dead&type=video.*"
