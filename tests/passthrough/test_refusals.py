"""Requests that are answered here: none of them reaches the gateway."""

import pytest

from tests.passthrough.rig import get, parts, post, rig

VIDEO = "/main/v1/videos/video_1"

HOSTILE = {
    "absolute-form": (get("http://elsewhere/main/v1/videos"), 400),
    "asterisk-form": (get("*", method="OPTIONS"), 400),
    "authority-form": (get("elsewhere:443", method="CONNECT"), 501),
    "no gateway of this name": (get("/other/v1/videos"), 404),
    "not below v1": (get("/main/v2/videos"), 404),
    "nothing below v1": (get("/main/v1"), 404),
    "network-path": (get("//elsewhere/v1/videos"), 404),
    "dots": (get("/main/v1/../admin"), 400),
    "encoded dots": (get("/main/v1/%2e%2E/admin"), 400),
    "dots behind an encoded slash": (get("/main/v1/videos/x%2f..%2fadmin"), 400),
    "dots encoded twice": (get("/main/v1/%252e%252e/admin"), 400),
    "dots with a parameter": (get("/main/v1/..;x=1/admin"), 400),
    "backslashes": (get("/main/v1/..\\admin"), 400),
    "a fragment": (get("/main/v1/videos#x"), 400),
    "an Origin": (get(VIDEO, "origin: http://evil.example"), 403),
    "a request of another site": (get(VIDEO, "sec-fetch-site: cross-site"), 403),
    "a foreign Host": (get(VIDEO, "host: evil.example"), 421),
    "WebSocket": (
        get(
            VIDEO,
            *("upgrade: websocket", "connection: upgrade", "sec-websocket-version: 13"),
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        ),
        501,
    ),
    "another protocol": (get(VIDEO, "upgrade: foo", "connection: upgrade"), 501),
    "two keys": (get(VIDEO, "authorization: Bearer other"), 400),
    "two framings": (post("transfer-encoding: chunked", body=b"0\r\n\r\n"), 400),
    "two lengths": (post("content-length: 3"), 400),
    "a bare CR in a header": (get(VIDEO, "x: a\rnotifier: b"), 400),
    "a head that is too large": (get(VIDEO, "x: " + "a" * 100_000), 431),
    "metadata that is no JSON": (post("notifier-metadata: {"), 400),
    "metadata that is no object of strings": (post('notifier-metadata: {"a": 1}'), 400),
    "metadata twice": (post("notifier-metadata: {}", "notifier-metadata: {}"), 400),
    "an empty endpoint": (post("notifier-endpoints: a,,b"), 400),
    "a callback that is not allowed": (post("notifier-callback-url: https://a.example/"), 400),
}


@pytest.mark.parametrize("request_name", HOSTILE)
async def test_a_hostile_request_is_refused(request_name: str) -> None:
    request, status = HOSTILE[request_name]
    async with rig() as here:
        assert parts(await here.ask(request))[0] == status
        assert here.got == []
