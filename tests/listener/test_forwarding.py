"""`notifier listen --forward-to`: the receiver behind it sees what the sender sent."""

import json
import time
from dataclasses import replace
from functools import partial

import pytest
import trio
from click.testing import CliRunner

from notifier.cli.listen import listen_command
from notifier.forwarding import joined
from notifier.http_server import Request, Response, Wire, serve
from notifier.signing import decode_secret, generate_secret, signed_headers
from tests.http_server.client import ask
from tests.http_server.command import Command, started
from tests.listener.test_command import port_of
from tests.process.harness import Got
from tests.process.verifiers import verifies

SECRET = generate_secret()
# spaces, escapes and order that no JSON library would write again like that
BODY = (
    b'{ "type":"video.completed",\n\t"data": {"id":"video_\\u0031", "x": 1.0e2}, "a":"\xc3\xa9"}'
)


def sent(secret: str = SECRET) -> dict[str, str]:
    signature = signed_headers([decode_secret(secret)], "evt_1", int(time.time()), BODY)
    return {**signature, "content-type": "application/json", "user-agent": "sender/1"}


class App:
    """A receiver that somebody writes: keeps the requests and answers as it is told."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.got: list[Request] = []
        self.url = ""

    async def handle(self, request: Request, wire: Wire) -> Response:
        self.got.append(request)
        bodiless = request.method == "HEAD"
        return replace(self.answer, body=b"") if bodiless else self.answer


async def app(nursery: trio.Nursery, answer: Response) -> App:
    made = App(answer)
    port = await nursery.start(partial(serve, made.handle, port=0))
    made.url = f"http://127.0.0.1:{port}"
    return made


async def greeted(command: Command) -> int:
    """Return the port once everything that is said at the start was said."""
    port = await port_of(command)
    assert (await command.line()).startswith("forwarding to http://127.0.0.1:")
    return port


async def test_a_request_goes_on_byte_for_byte_and_real_verifiers_accept_it(
    nursery: trio.Nursery,
) -> None:
    receiver = await app(nursery, Response(202, {"x-app": "yes"}, b"taken \xff"))
    options = ("--port", "0", "--secret", SECRET, "--forward-to", f"{receiver.url}/hook")
    async with started("listen", *options) as command:
        headers = sent()
        reply = await ask(await greeted(command), "POST", "/", headers=headers, content=BODY)
        line = await command.line()

    assert (reply.status_code, reply.headers["x-app"], reply.content) == (
        202,
        "yes",
        b"taken \xff",
    )
    (request,) = receiver.got
    assert (request.method, request.target, request.body) == ("POST", "/hook", BODY)
    assert headers.items() <= dict(request.headers).items()
    assert request.headers["host"] == receiver.url.removeprefix("http://")
    assert verifies(SECRET, Got(request.headers, request.body, 0))
    assert "video.completed  video_1  evt_1  ✓ verified  → 202" in line
    assert line.endswith(f"from {receiver.url}/hook  taken \N{REPLACEMENT CHARACTER}")


async def test_what_is_not_verified_and_what_is_no_post_goes_on_too(nursery: trio.Nursery) -> None:
    receiver = await app(nursery, Response(404, {}, b"no such page"))
    options = ("--port", "0", "--secret", SECRET, "--forward-to", f"{receiver.url}/api?v=1")
    async with started("listen", *options) as command:
        port = await greeted(command)
        forged = await ask(port, "POST", "/a%2Fb", headers=sent(generate_secret()), content=BODY)
        assert forged.status_code == 404
        assert "no signature matches  → 404" in await command.line()
        looked = await ask(port, "GET", "/x?y=z")
        assert (looked.status_code, looked.content) == (404, b"no such page")
        assert "GET /x?y=z" in await command.line()
        assert (await ask(port, "HEAD", "/")).status_code == 404
    targets = [(request.method, request.target) for request in receiver.got]
    assert targets == [("POST", "/api/a%2Fb?v=1"), ("GET", "/api/x?v=1&y=z"), ("HEAD", "/api?v=1")]


async def test_a_receiver_that_cannot_be_reached_is_502_and_one_clear_line() -> None:
    options = ("--port", "0", "--secret", SECRET, "--forward-to", "http://127.0.0.1:1/hook?key=x")
    async with started("listen", *options) as command:
        reply = await ask(await greeted(command), "POST", "/", headers=sent(), content=BODY)
        line = await command.line()
    said = "cannot forward to http://127.0.0.1:1/hook: Connection refused"
    assert (reply.status_code, reply.text) == (502, f"notifier listen: {said}\n")
    assert line.endswith(f"✓ verified  → 502  ✗ {said}")


async def test_an_answer_that_is_no_http_is_502_and_the_next_one_is_passed_back(
    nursery: trio.Nursery,
) -> None:
    async def talk_nonsense(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"220 mail.example.com ESMTP\r\n")

    (listener,) = await nursery.start(partial(trio.serve_tcp, talk_nonsense, 0, host="127.0.0.1"))
    url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"
    async with started("listen", "--port", "0", "--forward-to", url) as command:
        port = await greeted(command)
        assert "without being verified" in await command.line()
        for _ in range(2):
            reply = await ask(port, "POST", "/", headers=sent(), content=BODY)
            assert reply.status_code == 502
            assert "unverified  → 502" in await command.line()


async def test_json_says_where_it_went_and_what_came_back(nursery: trio.Nursery) -> None:
    receiver = await app(nursery, Response(500, {"location": "\xe9"}, b"oops"))
    options = ("--json", "--secret", SECRET, "--forward-to", receiver.url)
    async with started("listen", "--port", "0", *options) as command:
        reply = await ask(await greeted(command), "POST", "/", headers=sent(), content=BODY)
        assert reply.status_code == 500
        row = json.loads(await command.line())
    assert (row["answered"], row["verified"]) == (500, True)
    assert row["forwarded"] == {
        "method": "POST",
        "target": "/",
        "to": receiver.url,
        "trouble": None,
        "answer": "oops",
    }


async def test_a_failed_attempt_that_is_made_again_is_no_duplicate(nursery: trio.Nursery) -> None:
    receiver = await app(nursery, Response(500))
    options = ("--port", "0", "--secret", SECRET, "--forward-to", receiver.url)
    async with started("listen", *options) as command:
        port = await greeted(command)
        lines = []
        for status in (500, 204, 204):
            receiver.answer = Response(status)
            await ask(port, "POST", "/", headers=sent(), content=BODY)
            lines.append(await command.line())
    assert ["duplicate" in line for line in lines] == [False, False, True]
    assert ["attempt" in line for line in lines] == [False, True, True]


@pytest.mark.parametrize(
    ("url", "target", "whole"),
    [
        ("http://h", "/", "http://h/"),
        ("http://h/hook", "/", "http://h/hook"),
        ("http://h/hook/", "/", "http://h/hook/"),
        ("http://h/hook/", "/a/b", "http://h/hook/a/b"),
        ("http://h/hook", "/a//b/", "http://h/hook/a//b/"),
        ("http://h?x=1", "/?y=2", "http://h/?x=1&y=2"),
    ],
)
def test_a_target_is_appended_to_the_url(url: str, target: str, whole: str) -> None:
    assert joined(url, target) == whole


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--forward-to", "localhost:8000"], "such as http://127.0.0.1:8000/hook"),
        (["--forward-to", "ftp://h/"], "must be an http or https URL"),
        (["--forward-to", "http://h/", "--respond", "204"], "--respond cannot be used with"),
        (["--forward-to", "http://h/", "--fail-first", "1"], "--fail-first cannot be used with"),
    ],
)
def test_what_cannot_be_forwarded_is_exit_2_and_a_sentence(
    arguments: list[str], sentence: str
) -> None:
    result = CliRunner().invoke(listen_command, arguments)
    assert result.exit_code == 2
    assert sentence in " ".join(result.output.split())
