"""Requests that are answered here: none of them reaches the gateway."""

import h2.connection
import h2.events
import pytest
import trio

from tests.passthrough.rig import get, parts, post, rig

VIDEO = "/main/v1/videos/video_1"


def chunked(*codings: str) -> bytes:
    """Return a create whose Transfer-Encodings are these, with a body in chunks."""
    lines = [f"transfer-encoding: {coding}".encode() for coding in codings]
    head, mark, _ = post(body=b"").partition(b"\r\n\r\n")
    return head.replace(b"content-length: 0", b"\r\n".join(lines)) + mark + b"0\r\n\r\n"


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
    "a length with a sign": (post(body=b"").replace(b"length: 0", b"length: +2"), 400),
    "a length in hex": (post(body=b"").replace(b"length: 0", b"length: 0x2"), 400),
    "a length below zero": (post(body=b"").replace(b"length: 0", b"length: -2"), 400),
    "a space before the colon of a length": (post().replace(b"length:", b"length :"), 400),
    "chunked twice": (chunked("chunked, chunked"), 501),
    "two Transfer-Encodings": (chunked("chunked", "chunked"), 501),
    "a coding before chunked": (chunked("gzip, chunked"), 501),
    "a coding that is almost chunked": (chunked("xchunked"), 501),
    "identity": (chunked("identity"), 501),
    "two Hosts": (get(VIDEO, "host: localhost", "Host: evil.example"), 400),
    "a Host with a name before it": (get(VIDEO, "host: localhost@evil.example"), 421),
    "Origin in odd case": (get(VIDEO, "oRIGIN: null"), 403),
    "a request of the same site": (get(VIDEO, "sec-fetch-site: same-site"), 403),
    "an empty segment after v1": (get("/main/v1//elsewhere/x"), 400),
    "a name that is encoded": (get("/m%61in/v1/videos"), 404),
    "v1 that is encoded": (get("/main/%761/videos"), 404),
    "a target that is too long": (get("/main/v1/" + "a" * 100_000), 431),
    "NUL in a header": (get(VIDEO, "x: a\0b"), 400),
    "a method that is none": (get(VIDEO, method="GE(T"), 400),
    "metadata that is not UTF-8": (
        post("notifier-metadata: X").replace(b"X", b'{"a":"\xff"}'),
        400,
    ),
    "metadata that is deep": (post("notifier-metadata: " + "[" * 9_000), 400),
    "Notifier headers in odd case": (post("NOTIFIER-metaDATA: {"), 400),
    "a bare CR in a header": (get(VIDEO, "x: a\rnotifier: b"), 400),
    "a head that is too large": (get(VIDEO, "x: " + "a" * 100_000), 431),
    "metadata that is no JSON": (post("notifier-metadata: {"), 400),
    "metadata that is no object of strings": (post('notifier-metadata: {"a": 1}'), 400),
    "metadata twice": (post("notifier-metadata: {}", "notifier-metadata: {}"), 400),
    "an empty endpoint": (post("notifier-endpoints: a,,b"), 400),
    "an empty callback": (post("notifier-callback-url:"), 400),
    "a callback that is signed by nobody": (post("notifier-callback-endpoint: "), 400),
    "a callback that is not allowed": (post("notifier-callback-url: https://a.example/"), 400),
}


@pytest.mark.parametrize("request_name", HOSTILE)
async def test_a_hostile_request_is_refused(
    request_name: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    request, status = HOSTILE[request_name]
    async with rig() as here:
        assert parts(await here.ask(request))[0] == status
        assert here.got == []
    assert caplog.text + "".join(capsys.readouterr()) == ""  # no bug was met on the way


@pytest.mark.parametrize("upgrade", [False, True])
async def test_http_2_is_refused(upgrade: bool) -> None:
    http = h2.connection.H2Connection()
    if upgrade:
        settings = http.initiate_upgrade_connection()
        assert settings is not None
        asked = get(
            VIDEO,
            *("upgrade: h2c", "connection: upgrade, http2-settings"),
            f"http2-settings: {settings.decode()}",
        ).replace(b"connection: close\r\n", b"")
    else:
        http.initiate_connection()
        names = {":method": "GET", ":path": VIDEO, ":authority": "localhost", ":scheme": "http"}
        http.send_headers(1, list(names.items()), end_stream=True)
        asked = b""
    async with rig() as here:
        stream = await here.send(asked + http.data_to_send())
        with trio.fail_after(10):
            assert await answer_of(stream, http, switches=upgrade) == b"501"
        assert here.got == []


async def answer_of(
    stream: trio.SocketStream, http: h2.connection.H2Connection, *, switches: bool
) -> bytes:
    """Return the status of the answer to the first request."""
    received = b""
    while switches and b"\r\n\r\n" not in received:
        received += await stream.receive_some()
    received = received.partition(b"\r\n\r\n")[2]
    while True:
        for event in http.receive_data(received):
            if isinstance(event, h2.events.ResponseReceived):
                return dict(event.headers)[b":status"]
        received = await stream.receive_some()
        assert received, "the connection ended"
