"""One attempt over real HTTP: what is sent, and what each answer is called."""

import base64
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import pytest
import standardwebhooks
import trio

from notifier import __version__
from notifier.http_client import open_client
from notifier.http_server import Request, Response, Wire, serve
from notifier.signing import decode_secret, generate_secret
from notifier.webhook import Outcome, Target, WebhookSender
from tests.builders import START, Time

BODY = b'{"type":"video.completed"}'


class Endpoint:
    """A receiver that keeps requests and answers with `response`."""

    def __init__(self, response: Response) -> None:
        self.response = response
        self.requests: list[Request] = []

    async def handle(self, request: Request, wire: Wire) -> Response:
        self.requests.append(request)
        return self.response


@asynccontextmanager
async def sender(
    endpoint: Endpoint,
    *,
    keys: list[bytes] | None = None,
    headers: Mapping[str, str] | None = None,
    wall: Callable[[], float] = lambda: START,
) -> AsyncIterator[WebhookSender]:
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve, endpoint.handle, port=0))
        target = Target(f"http://127.0.0.1:{port}/hook?a=b", headers or {}, keys or [], 5)
        async with open_client(2) as client:
            yield WebhookSender(client, lambda: target, wall)
        nursery.cancel_scope.cancel()


async def test_the_request_carries_the_stored_bytes_and_the_documented_headers() -> None:
    endpoint = Endpoint(Response(204))
    key = decode_secret(generate_secret())
    async with sender(endpoint, keys=[key], headers={"x-team": "video"}) as sends:
        assert await sends.send("evt_1", BODY) == Outcome("delivered", 204)

    (request,) = endpoint.requests
    assert (request.method, request.path, request.query) == ("POST", "/hook", {"a": "b"})
    assert request.body == BODY
    expected = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(START)),
        "content-type": "application/json",
        "user-agent": f"notifier/{__version__}",
        "x-team": "video",
    }
    assert expected.items() <= dict(request.headers).items()


async def test_while_a_secret_is_rotated_receivers_with_either_can_verify() -> None:
    endpoint = Endpoint(Response(204))
    old, new = generate_secret(), generate_secret()
    keys = [decode_secret(new), decode_secret(old)]
    async with sender(endpoint, keys=keys, wall=time.time) as sends:
        await sends.send("evt_1", BODY)

    (request,) = endpoint.requests
    assert request.headers["webhook-signature"].count(" ") == 1
    for secret in (old, new):
        standardwebhooks.Webhook(secret).verify(request.body, dict(request.headers))
    other_secret = "whsec_" + base64.b64encode(b"x" * 32).decode()
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(other_secret).verify(request.body, dict(request.headers))


async def test_an_unsigned_format_carries_no_signature() -> None:
    endpoint = Endpoint(Response(200, {}, b"ok"))
    async with sender(endpoint) as sends:
        await sends.send("evt_1", BODY)
    assert not any(name.startswith("webhook-") for name in endpoint.requests[0].headers)


@pytest.mark.parametrize(
    ("response", "word", "delivered"),
    [
        (Response(200, {}, b"thanks"), "delivered", True),
        (Response(204), "delivered", True),
        (Response(301, {"location": "/x"}), "http_301", False),
        (Response(404), "http_404", False),
        (Response(500), "http_500", False),
        (Response(200, {}, b"x" * 65_537), "delivered", True),
        (Response(500, {}, b"x" * 65_537), "http_500", False),
    ],
)
async def test_only_a_2xx_is_a_delivery(response: Response, word: str, delivered: bool) -> None:
    endpoint = Endpoint(response)
    async with sender(endpoint) as sends:
        outcome = await sends.send("evt_1", BODY)
    assert (outcome.word, outcome.delivered) == (word, delivered)
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize(
    ("value", "wait"), [("120", 120), ("Thu, 09 Oct 2025 08:53:30 GMT", 10), ("later", None)]
)
async def test_retry_after_is_reported_in_seconds(value: str, wait: float | None) -> None:
    endpoint = Endpoint(Response(503, {"retry-after": value}))
    async with sender(endpoint) as sends:
        assert (await sends.send("evt_1", BODY)).retry_after == wait


async def test_a_secret_that_cannot_be_read_is_a_failed_attempt() -> None:
    def broken() -> Target:
        raise ValueError("file /run/secret cannot be read")

    async with open_client(1) as client:
        outcome = await WebhookSender(client, broken, Time()).send("evt_1", BODY)
    assert outcome == Outcome("secret", detail="file /run/secret cannot be read")
