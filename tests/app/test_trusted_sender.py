"""Nothing is sent by an instance that may not work: another one may send it."""

from notifier.app.trusted_sender import TrustedSender
from notifier.delivery.attempt import OUR_TROUBLE
from notifier.http_client import HttpRequest, HttpResponse
from notifier.webhook import Target, WebhookSender
from tests.builders import START


class Network:
    def __init__(self) -> None:
        self.urls: list[str] = []

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.urls.append(request.url)
        return HttpResponse(204, {}, b"")


async def test_an_attempt_is_made_only_while_this_instance_may_work() -> None:
    network, trusted = Network(), [True]
    target = Target("http://receiver/", {}, [b"a key of at least 24 bytes"], 15.0)
    real = WebhookSender(network, lambda: target, lambda: START)
    sender = TrustedSender(real, lambda: trusted[0])

    assert (await sender.send("evt_1", b"{}")).word == "delivered"
    assert (await sender.at("http://callback/", None).send("evt_1", b"{}")).word == "delivered"
    trusted[0] = False
    assert (await sender.send("evt_1", b"{}")).word == OUR_TROUBLE
    assert (await sender.at("http://callback/", None).send("evt_1", b"{}")).word == OUR_TROUBLE
    assert network.urls == ["http://receiver/", "http://callback/"]
