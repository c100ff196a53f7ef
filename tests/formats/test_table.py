"""What each service documents, against the verdicts of its row in the table of formats."""

import json
from collections.abc import Mapping

import pytest

from notifier.config.signing_rules import contradictions
from notifier.formats.table import SERVICES
from notifier.http_client import HttpRequest, HttpResponse
from notifier.model.delivery import Format
from notifier.webhook import Target, WebhookSender
from tests.builders import START

SOURCES: Mapping[Format, str] = {
    Format.SLACK: "https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks",
    Format.DISCORD: "https://docs.discord.com/developers/resources/webhook#execute-webhook",
    Format.TEAMS: "https://learn.microsoft.com/en-us/microsoftteams/platform/"
    "webhooks-and-connectors/how-to/add-incoming-webhook",
    Format.FEISHU: "https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot",
    Format.DINGTALK: "https://open.dingtalk.com/document/orgapp/custom-robots-send-group-messages",
    Format.WECOM: "https://developer.work.weixin.qq.com/document/path/91770",
}
"""Where the services document what is expected here; of the other formats it is ours to say."""

FINAL_STATUSES: Mapping[Format, set[int]] = {
    Format.SLACK: {400, 403, 404},
    Format.DISCORD: {400, 401, 403, 404, 413},
    Format.TEAMS: {400, 401, 403, 404, 413},
}
FINAL_CODES: Mapping[Format, str] = {
    Format.TEAMS: "400 401 403 404 413",
    Format.FEISHU: "19001 19021 19022 19024",
    Format.DINGTALK: "310000 300001 400013 400101 400102 400105 400106 40035 "
    "430101 430102 430103 430104 43004",
    Format.WECOM: "93000 40008 40058 45002 44004",
}
PASSING_CODES = {"-1", "429", "500", "9499", "11232", "130101", "410100", "45009", "unreadable"}
"""Codes that a retry may be rid of: the service is busy, or too many messages came."""


@pytest.mark.parametrize("form", Format)
def test_no_retry_is_made_of_what_the_service_refuses_for_good(form: Format) -> None:
    service = SERVICES[form]
    statuses = {status for status in range(100, 600) if service.is_final(status, "")}
    assert statuses == FINAL_STATUSES.get(form, set()), SOURCES.get(form)
    anybodys = {*PASSING_CODES, *" ".join(FINAL_CODES.values()).split()}
    codes = {code for code in anybodys if service.is_final(200, code)}
    assert codes == set(FINAL_CODES.get(form, "").split()), SOURCES.get(form)


class Answering:
    """An HTTP client that keeps the last request and gives one answer."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.request: HttpRequest

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.request = request
        return HttpResponse(200, {}, self.body)


def sender(client: Answering, form: Format, own_secret: str = "") -> WebhookSender:
    target = Target("https://hook.example/x", {}, [], 5, SERVICES[form], own_secret=own_secret)
    return WebhookSender(client, lambda: target, lambda: START)


@pytest.mark.parametrize(
    ("form", "answer", "seconds"),
    [
        (Format.TEAMS, "delivery failed: Teams endpoint returned HTTP error 429 with", 60),
        (Format.FEISHU, '{"code":11232,"msg":"frequency limited"}', 60),
        (Format.FEISHU, '{"code":9499,"msg":"too many request"}', 60),
        (Format.DINGTALK, '{"errcode":410100,"errmsg":"too fast"}', 600),
        (Format.DINGTALK, '{"errcode":130101,"errmsg":"too fast"}', 600),
        (Format.WECOM, '{"errcode":45009,"errmsg":"api freq out of limit"}', 60),
    ],
)
async def test_a_refusal_for_too_many_messages_says_how_long_to_wait(
    form: Format, answer: str, seconds: float
) -> None:
    outcome = await sender(Answering(answer.encode()), form).send("evt_1", b"{}")
    assert not outcome.delivered
    assert outcome.retry_after == seconds, SOURCES[form]


@pytest.mark.parametrize("form", Format)
async def test_the_content_type_is_that_of_the_format(form: Format) -> None:
    client = Answering(b"")
    await sender(client, form).send("evt_1", b"{}")
    cloudevents = "application/cloudevents+json; charset=utf-8"
    expected = cloudevents if form is Format.CLOUDEVENTS else "application/json"
    assert client.request.headers["content-type"] == expected


@pytest.mark.parametrize("form", Format)
async def test_a_service_that_signs_its_own_way_gets_its_signature(form: Format) -> None:
    client = Answering(b"")
    await sender(client, form, "SEC1").send("evt_1", b"{}")
    in_url, in_body = (
        "sign=" in client.request.url,
        "sign" in json.loads(client.request.body or b""),
    )
    expected = (form is Format.DINGTALK, form is Format.FEISHU)
    assert (in_url, in_body) == expected, SOURCES.get(form)


@pytest.mark.parametrize(
    ("form", "max_bytes"),
    [
        (Format.SLACK, 40_000),  # the longest text; blocks have limits of their own
        (Format.DISCORD, 16_384),  # ours: the service itself counts characters
        (Format.TEAMS, 28_672),  # 28 kB
        (Format.FEISHU, 19_800),  # 20 kB, and the signature comes on top
        (Format.DINGTALK, 20_000),
        (Format.WECOM, 4096),
    ],
)
def test_messages_are_as_long_as_a_service_takes_them(form: Format, max_bytes: int) -> None:
    assert SERVICES[form].max_bytes == max_bytes, SOURCES[form]


@pytest.mark.parametrize(
    ("form", "documented", "a_minute"),
    [
        (Format.SLACK, 60, 60),
        (Format.DISCORD, 30, 30),
        (Format.TEAMS, 240, 120),
        (Format.FEISHU, 100, 90),
        (Format.DINGTALK, 20, 18),
        (Format.WECOM, 20, 18),
    ],
)
def test_messages_come_no_faster_than_a_service_takes_them(
    form: Format, documented: int, a_minute: int
) -> None:
    assert 60 * (SERVICES[form].max_per_second or 1e9) == pytest.approx(a_minute)
    assert a_minute <= documented, SOURCES[form]


@pytest.mark.parametrize("form", [Format.STANDARD, Format.CLOUDEVENTS, Format.TEMPLATE])
def test_what_goes_to_programs_comes_as_it_happens(form: Format) -> None:
    assert SERVICES[form].max_per_second is None


def complaints(form: Format, **endpoint: object) -> set[str]:
    """Return the keys that the config's rules find fault with."""
    found = contradictions((), {"format": form.value, "template": "t.j2", **endpoint})
    return {str(finding.location[-1]) for finding in found}


REQUIRED = {"no secret"}
OPTIONAL: set[str] = set()
OWN = {"two secrets", "signature"}
NONE = {"secret", "two secrets", "signature"}


@pytest.mark.parametrize(
    ("form", "refused"),
    [
        (Format.STANDARD, REQUIRED),
        (Format.CLOUDEVENTS, OPTIONAL),
        (Format.TEMPLATE, OPTIONAL),
        (Format.SLACK, NONE),
        (Format.DISCORD, NONE),
        (Format.TEAMS, NONE),
        (Format.FEISHU, OWN),
        (Format.DINGTALK, OWN),
        (Format.WECOM, NONE),
    ],
)
def test_a_format_takes_the_secrets_and_signatures_that_it_has_a_use_for(
    form: Format, refused: set[str]
) -> None:
    tried = {
        "no secret": "secret" in complaints(form),
        "secret": "secret" in complaints(form, secret="s"),
        "two secrets": "secret" in complaints(form, secret=["s", "t"]),
        "signature": "signature" in complaints(form, secret="s", signature=["github"]),
    }
    assert {name for name, complained in tried.items() if complained} == refused


@pytest.mark.parametrize("form", Format)
def test_whoever_has_the_url_may_post_where_nothing_else_is_asked_for(form: Format) -> None:
    known_to_others = form in {Format.STANDARD, Format.CLOUDEVENTS}
    assert SERVICES[form].url_is_secret is not known_to_others


@pytest.mark.parametrize("form", Format)
def test_each_format_is_rendered_by_the_module_of_its_name(form: Format) -> None:
    render = SERVICES[form].message
    assert render is None or render.__module__ == f"notifier.formats.{form.value}"
