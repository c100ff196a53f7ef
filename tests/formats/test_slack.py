import html
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from slack_sdk.models.basic_objects import JsonObject
from slack_sdk.models.blocks import Block, ContextBlock, HeaderBlock, SectionBlock

from notifier.formats import render as render_as
from notifier.model.delivery import Format, Rendering
from notifier.model.event import Event, EventType
from notifier.model.video import Json
from tests.formats.events import COMPLETED, any_event, event, failed

MAX_PAYLOAD = 40_000
AT = "\N{FULLWIDTH COMMERCIAL AT}"
CONTENT_URL = "https://gw.example/v1/videos/video_1/content"
OUR_MARKUP = re.compile(
    r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>"
    r"|<(?i:https?)://[^<>|\s]+\|Download the video>"
)


def render(event: Event) -> bytes:
    return render_as(Rendering(Format.SLACK), event)


def checked(event: Event) -> Json:
    """Return the payload after Slack's own models have found nothing to object to or repair."""
    return checked_body(render(event))


def checked_body(body: bytes) -> Json:
    payload: Json = json.loads(body.decode())
    assert list(payload) == ["text", "blocks"]
    assert 0 < len(payload["text"]) <= 4000  # what Slack recommends; it cuts at 40,000
    assert len(body) < MAX_PAYLOAD
    assert 0 < len(payload["blocks"]) <= 50
    blocks = Block.parse_all(payload["blocks"])
    assert [block.to_dict() for block in blocks] == payload["blocks"]
    for block in blocks:
        check_block(block)
    return payload


def check_block(block: Block) -> None:
    """Check what the models leave to Slack: the lengths of each part."""
    assert isinstance(block, HeaderBlock | SectionBlock | ContextBlock)
    block.validate_json()
    if isinstance(block, HeaderBlock):
        assert block.text is not None
        assert block.text.type == "plain_text"
    if isinstance(block, SectionBlock):
        check_parts(block.fields or [], most=10, longest=2000)
    if isinstance(block, ContextBlock):
        check_parts(block.elements, most=10, longest=2000)


def check_parts(parts: Sequence[JsonObject], *, most: int, longest: int) -> None:
    assert len(parts) <= most
    for part in parts:
        part.validate_json()
        assert 0 < len(part.to_dict()["text"]) <= longest


def texts(payload: Json) -> Iterator[Json]:
    """Yield every text object in the order of reading."""
    for block in payload["blocks"]:
        if "text" in block:
            yield block["text"]
        yield from block.get("fields", [])
        yield from block.get("elements", [])


def read(event: Event) -> list[str]:
    """Return what the message says, text by text."""
    return [text["text"] for text in texts(checked(event))]


DOWNLOAD = "<https://gw.example/v1/videos/video_1/content|Download the video>"
EXPIRES = "<!date^1760714196^{date_short_pretty} {time}|2025-10-17 15:16 UTC>"
ORIGIN = (
    "notifier event `evt_68f10d27` · "
    "<!date^1760627863^{date_short_pretty} {time}|2025-10-16 15:17 UTC>"
)
FACTS = ["*Video*\n`video_1`", "*Model*\nsora-2", "*Gateway*\nmain"]


def test_a_completed_video_is_shown_with_its_time_expiry_and_link() -> None:
    assert read(COMPLETED) == [
        "✅ Video completed",
        *FACTS,
        "*Took*\n13 min 6 s",
        f"*Expires*\n{EXPIRES}",
        f"{DOWNLOAD} (the gateway may ask for its API key)",
        ORIGIN,
    ]


def test_a_failed_video_is_shown_with_its_error() -> None:
    assert read(failed("The prompt was refused.\nTry <another>.", "moderation_blocked")) == [
        "❌ Video failed",
        *FACTS,
        "*Failed after*\n13 min 6 s",
        "*Error* `moderation_blocked`\n```The prompt was refused.\nTry &lt;another&gt;.```",
        ORIGIN,
    ]


def test_a_cancelled_video_is_shown_as_such() -> None:
    cancelled = event(EventType.CANCELLED, status="cancelled")
    assert read(cancelled) == [
        "🚫 Video cancelled",
        *FACTS,
        "*Cancelled after*\n13 min 6 s",
        ORIGIN,
    ]


def test_a_lost_video_is_shown_with_what_was_last_seen() -> None:
    lost = event(EventType.LOST, status="in_progress", progress=40)
    assert read(lost) == [
        "❓ Video lost",
        "The gateway keeps answering that this video does not exist.",
        *FACTS,
        "*Lost after*\n13 min 6 s",
        "*Last seen*\nin_progress, 40 %",
        ORIGIN,
    ]


def test_a_lost_video_that_was_never_seen_is_shown_without_guesses() -> None:
    unknown = dict.fromkeys(COMPLETED.data) | {"id": "video_1", "object": "video"}
    lost = replace(COMPLETED, type=EventType.LOST, data=unknown)
    assert read(lost)[2:] == ["*Video*\n`video_1`", "*Gateway*\nmain", ORIGIN]


def test_a_timed_out_video_counts_until_notifier_gave_up() -> None:
    timed_out = event(EventType.TIMED_OUT, status="queued", progress=None, completed_at=1760627078)
    assert read(timed_out) == [
        "⏰ Video timed out",
        "No ending came in the time allowed.",
        *FACTS,
        "*Gave up after*\n13 min 6 s",
        "*Last seen*\nqueued",
        ORIGIN,
    ]


def test_a_video_that_expires_soon_is_shown_with_the_time_and_the_link() -> None:
    assert read(event(EventType.EXPIRING, created_at=None)) == [
        "⌛ Video expires soon",
        "The gateway will remove it; download it before.",
        *FACTS,
        f"*Expires*\n{EXPIRES}",
        f"{DOWNLOAD} (the gateway may ask for its API key)",
        ORIGIN,
    ]


def test_an_archived_video_is_shown_with_the_place_of_the_copy() -> None:
    archived = replace(
        event(EventType.ARCHIVED), archive={"path": "/archive/main/video_1.mp4", "bytes": 3}
    )
    shown = read(archived)
    assert shown[0] == "📦 Video archived"
    assert "*Copy*\n`/archive/main/video_1.mp4`" in shown
    assert "/archive/main/video_1.mp4" in checked(archived)["text"]
    linked = replace(archived, archive={**(archived.archive or {}), "url": "https://files/1.mp4"})
    assert "*Copy*\n`https://files/1.mp4`" in read(linked)


def test_a_video_that_could_not_be_archived_is_shown_with_the_reason() -> None:
    failed_copy = replace(
        event(EventType.ARCHIVE_FAILED), archive={"reason": "@all the gateway answered 404"}
    )
    shown = read(failed_copy)
    assert shown[0] == "⚠️ Video not archived"
    assert f"*Reason*\n{AT}all the gateway answered 404" in shown


def test_a_test_is_not_mistaken_for_a_video() -> None:
    test = replace(
        COMPLETED, type=EventType.TEST, data={"id": "video_test", "object": "video"}, gateway=""
    )
    assert read(test) == [
        "🔔 Test from notifier",
        "No video has ended. Events will arrive here like this.",
        ORIGIN,
    ]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            COMPLETED,
            "✅ Video completed: video_1 on main after 13 min 6 s\n" + CONTENT_URL,
        ),
        (failed("No & yes"), "❌ Video failed: video_1 on main after 13 min 6 s: No &amp; yes"),
        (failed(None, "boom"), "❌ Video failed: video_1 on main after 13 min 6 s: boom"),
        (event(EventType.LOST, created_at=None), "❓ Video lost: video_1 on main"),
        (event(EventType.TEST), "🔔 Test from notifier"),
    ],
)
def test_a_notification_says_the_main_thing_in_its_first_line(event: Event, text: str) -> None:
    assert checked(event)["text"] == text


@pytest.mark.parametrize(
    ("event", "section"),
    [
        (failed("Only words"), "*Error*\n```Only words```"),
        (failed(None, "only_code"), "*Error* `only_code`"),
        (failed("```\n`x`"), "*Error*\n```'''\n'x'```"),
    ],
)
def test_an_error_is_shown_as_far_as_it_is_known(event: Event, section: str) -> None:
    assert section in read(event)


@pytest.mark.parametrize("error", [None, {}, "text", {"message": None, "code": 5}, [1]])
def test_an_error_that_says_nothing_is_left_out(error: object) -> None:
    assert not any("Error" in text for text in read(event(EventType.FAILED, error=error)))


def test_without_a_completion_time_the_events_own_is_the_end() -> None:
    late = replace(event(EventType.COMPLETED, completed_at=None), created_at=1760627077 + 61)
    assert "*Took*\n1 min 1 s" in read(late)


@pytest.mark.parametrize("created_at", [None, 0, -5, 1760627864, 2**63, True, "1760627077"])
def test_an_unusable_start_means_no_duration(created_at: object) -> None:
    assert not any(
        "Took" in text for text in read(event(EventType.COMPLETED, created_at=created_at))
    )


def test_a_result_that_has_expired_is_shown_so() -> None:
    assert f"*Expired*\n{EXPIRES}" in read(replace(COMPLETED, created_at=1760714196))


@pytest.mark.parametrize("expires_at", [None, 0, -1, 253_402_300_800, 10**40])
def test_an_expiry_that_no_calendar_knows_is_left_out(expires_at: int | None) -> None:
    assert not any(
        "Expire" in text for text in read(event(EventType.COMPLETED, expires_at=expires_at))
    )


@pytest.mark.parametrize("url", [None, "javascript:alert(1)", "https://h/" + "x" * 5000])
def test_only_a_web_address_is_linked(url: str | None) -> None:
    assert not any("Download" in text for text in read(replace(COMPLETED, content_url=url)))


def test_metadata_is_shown_field_by_field() -> None:
    texts = read(replace(COMPLETED, metadata={"user": "Zoë & <@U123>", "note": ""}))
    assert texts[-4:-2] == [
        f"*user*\nZoë &amp; &lt;{AT}U123&gt;",
        "*note*\n-",
    ]


def test_ten_metadata_entries_are_all_shown_and_more_are_counted() -> None:
    ten = {f"key_{number}": "v" for number in range(10)}
    assert "*key_9*\nv" in read(replace(COMPLETED, metadata=ten))
    texts = read(replace(COMPLETED, metadata={**ten, "key_10": "v"}))
    assert "*key_8*\nv" in texts
    assert "*key_9*\nv" not in texts
    assert "_and 2 more_" in texts


def test_slack_is_asked_not_to_look_for_mentions_by_itself() -> None:
    payload = checked(replace(COMPLETED, metadata={"note": "@here #general"}))
    for text in texts(payload):
        assert text["type"] == "plain_text" or text["verbatim"] is True


def test_the_longest_of_everything_is_within_slacks_limits() -> None:
    long = "<&>" * 10_000
    extreme = replace(
        failed(long, long),
        id=long,
        gateway=long,
        metadata={f"{number}{long}": long for number in range(100)},
    )
    payload = checked(replace(extreme, data={**extreme.data, "id": long, "model": long}))
    assert "…" in payload["text"]


@given(any_event)
def test_any_event_is_within_slacks_limits_and_pings_no_one(event: Event) -> None:
    payload = checked(event)
    for text in [payload["text"], *(part["text"] for part in texts(payload))]:
        foreign = OUR_MARKUP.sub("", text)
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", foreign), html.unescape(foreign)
        assert "@" not in text  # in no service's words for "notify all"


PINGS = "@channel @everyone @here <!here> <!channel> <@U123> <@&1> @all"


def test_a_gateways_text_pings_no_one_in_any_service() -> None:
    pinging = replace(
        failed(PINGS, PINGS),
        gateway=PINGS,
        metadata={PINGS: PINGS},
        content_url="https://a@b/@all",
    )
    for each in (pinging, replace(COMPLETED, content_url="https://gw.example/@channel/x")):
        body = render(replace(each, data={**each.data, "id": PINGS, "model": PINGS})).decode()
        assert "@" not in body
        assert not re.search(r"<!(?!date)", body)


def test_link_and_metadata_are_in_the_text_for_services_that_show_no_blocks() -> None:
    text = checked(replace(COMPLETED, metadata={"user": "Zoë & co", "note": "a\nb"}))["text"]
    assert text.split("\n")[1:] == [
        "https://gw.example/v1/videos/video_1/content",
        "user: Zoë &amp; co",
        "note: a b",
    ]
