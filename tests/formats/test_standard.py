import json
import math
import time
from dataclasses import replace
from typing import Any

import openai
import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import given
from hypothesis import strategies as st

from notifier.formats.standard import MAX_BODY, PROTOCOL_FIELDS, render
from notifier.formats.table import SERVICES
from notifier.model.delivery import Format
from notifier.model.event import WITH_CONTENT, Event, EventType
from notifier.model.video import Json
from notifier.signing import decode_secret, generate_secret, signed_headers
from tests.formats.events import COMPLETED, VIDEO_TYPES, any_event, event

GOLDEN = (
    b'{"id":"evt_68f10d27","object":"event","type":"video.completed",'
    b'"created_at":1760627863,"timestamp":"2025-10-16T15:17:43Z",'
    b'"data":{"id":"video_1","object":"video","model":"sora-2","status":"completed",'
    b'"progress":100,"created_at":1760627077,"completed_at":1760627863,'
    b'"expires_at":1760714196,"seconds":"8","size":"1280x720",'
    b'"remixed_from_video_id":null,"error":null},'
    b'"watch":{"gateway":"main","metadata":{},'
    b'"content_url":"https://gw.example/v1/videos/video_1/content"}}'
)


def rendered(event: Event) -> Json:
    return json.loads(render(event))


def with_extras(**extras: object) -> Event:
    return event(EventType.COMPLETED, **extras)


def test_the_documented_example_is_rendered_to_the_byte() -> None:
    assert render(COMPLETED) == GOLDEN


def test_every_format_has_a_renderer() -> None:
    assert set(SERVICES) == set(Format)


@pytest.mark.parametrize("event_type", VIDEO_TYPES)
def test_every_type_of_event_has_the_same_envelope(event_type: EventType) -> None:
    body = rendered(event(event_type))
    assert list(body) == ["id", "object", "type", "created_at", "timestamp", "data", "watch"]
    assert list(body["data"]) == list(PROTOCOL_FIELDS)
    assert list(body["watch"]) == ["gateway", "metadata", "content_url"]
    assert body["type"] == event_type.value


@pytest.mark.parametrize("event_type", [kind for kind in VIDEO_TYPES if kind not in WITH_CONTENT])
def test_only_a_completed_video_has_a_content_url(event_type: EventType) -> None:
    assert rendered(event(event_type))["watch"]["content_url"] is None


def test_events_after_a_completed_one_have_its_content_url_and_say_where_the_copy_is() -> None:
    copy = {"path": "/archive/main/video_1.mp4", "bytes": 3, "sha256": "ab", "content_type": "x"}
    archived = replace(COMPLETED, type=EventType.ARCHIVED, archive=copy)
    watch = rendered(archived)["watch"]
    assert watch["content_url"] == COMPLETED.content_url
    assert watch["archive"] == copy


def test_protocol_fields_that_were_never_known_are_null() -> None:
    data = rendered(replace(COMPLETED, data={"object": "video", "id": "video_1"}))["data"]
    assert data == {**dict.fromkeys(PROTOCOL_FIELDS), "id": "video_1", "object": "video"}


def test_extra_fields_follow_the_protocol_unchanged_and_in_order() -> None:
    extras = {"url": "https://cdn.example/ü.mp4", "metadata": {"a": [1, 2.5, None]}, "cost": 0}
    data = rendered(replace(COMPLETED, data={**extras, **COMPLETED.data}))["data"]
    assert list(data) == [*PROTOCOL_FIELDS, *extras]
    assert {name: data[name] for name in extras} == extras


def test_metadata_of_the_watch_is_handed_back() -> None:
    body = rendered(replace(COMPLETED, metadata={"user": "Zoë", "order": "12"}))
    assert body["watch"]["metadata"] == {"user": "Zoë", "order": "12"}


def test_the_largest_extra_fields_are_left_out_first() -> None:
    data = rendered(with_extras(huge="x" * 1_000_000, small=1, big="y" * 15_000, medium="z" * 10))
    assert data["data"]["big"] == "y" * 15_000
    assert data["data"]["small"] == 1
    assert data["data"]["medium"] == "z" * 10
    assert "huge" not in data["data"]


def test_an_extra_field_may_fill_the_body_to_just_under_20_kb() -> None:
    room = MAX_BODY - len(render(COMPLETED)) - len(',"x":""')
    assert len(render(with_extras(x="a" * (room - 1)))) == MAX_BODY - 1
    assert render(with_extras(x="a" * room)) == render(COMPLETED)


def test_a_megabyte_of_tiny_extra_fields_is_fitted() -> None:
    body = render(with_extras(**{f"field_{number}": number for number in range(50_000)}))
    assert MAX_BODY - 30 < len(body) < MAX_BODY


def test_protocol_and_metadata_are_never_cut() -> None:
    body = rendered(replace(with_extras(url="u"), metadata={"note": "n" * 30_000}))
    assert body["watch"]["metadata"] == {"note": "n" * 30_000}
    assert list(body["data"]) == list(PROTOCOL_FIELDS)


def deep(levels: int) -> Json:
    value: Json = None
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        [-math.inf],
        pytest.param(10**5000, id="5000 digits"),
        pytest.param(deep(100_000), id="deep"),
        object(),
        {"a": {2, 3}},
    ],
)
def test_what_is_not_json_is_left_out(value: object) -> None:
    assert render(with_extras(odd=value)) == render(COMPLETED)
    assert rendered(event(progress=value))["data"]["progress"] is None


def test_lone_surrogates_are_replaced() -> None:
    body = rendered(replace(with_extras(url="a\ud800b"), metadata={"\udfff": "\ud83d"}))
    assert body["data"]["url"] == "a?b"
    assert body["watch"]["metadata"] == {"?": "?"}


@pytest.mark.parametrize(
    ("created_at", "timestamp"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1970-01-01T00:00:00Z"),
        (10**30, "9999-12-31T23:59:59Z"),
    ],
)
def test_a_clock_gone_mad_still_has_a_timestamp(created_at: int, timestamp: str) -> None:
    assert rendered(replace(COMPLETED, created_at=created_at))["timestamp"] == timestamp


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@given(any_event)
def test_any_event_is_rendered_as_strict_json(event: Event) -> None:
    body = render(event)
    decoded = json.loads(body.decode(), parse_constant=refuse)
    assert list(decoded["data"])[: len(PROTOCOL_FIELDS)] == list(PROTOCOL_FIELDS)
    extras = len(decoded["data"]) > len(PROTOCOL_FIELDS)
    assert not extras or len(body) < MAX_BODY
    assert render(event) == body


@given(st.sampled_from(EventType), st.text(), st.dictionaries(st.text(), st.text()))
def test_independent_verifiers_accept_any_body(
    event_type: EventType, gateway: str, metadata: dict[str, str]
) -> None:
    body = render(replace(event(event_type), gateway=gateway, metadata=metadata))
    secret = generate_secret()
    headers = signed_headers([decode_secret(secret)], "evt_1", int(time.time()), body)
    standardwebhooks.Webhook(secret).verify(body, headers)
    svix.webhooks.Webhook(secret).verify(body, headers)


@pytest.mark.parametrize("event_type", VIDEO_TYPES)
def test_the_openai_sdk_unwraps_every_type(event_type: EventType) -> None:
    body = render(event(event_type))
    secret = generate_secret()
    headers = signed_headers([decode_secret(secret)], COMPLETED.id, int(time.time()), body)
    with openai.OpenAI(api_key="unused", webhook_secret=secret) as client:
        # not every type has a class of its own there; the fields are right all the same
        unwrapped: Any = client.webhooks.unwrap(body, headers)
    assert unwrapped.id == COMPLETED.id
    assert unwrapped.type == event_type.value
    assert unwrapped.data.id == "video_1"
