"""Events about endpoints, as their receivers see them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.formats import render
from notifier.model.delivery import Format, Language, Rendering
from notifier.model.event import EventType, Notice
from notifier.model.video import Json
from tests.formats.test_slack import checked_body

STANDARD, SLACK = Rendering(Format.STANDARD), Rendering(Format.SLACK)

ABOUT_ENDPOINTS = (EventType.ENDPOINT_DISABLED, EventType.ENDPOINT_RECOVERED)
DISABLED = Notice(
    "evt_1", EventType.ENDPOINT_DISABLED, 1760627863, "app", "the receiver answered 410 Gone"
)
RECOVERED = Notice("evt_2", EventType.ENDPOINT_RECOVERED, 1760627863, "app")


def test_a_disabled_endpoint_is_an_event_like_others_with_the_endpoint_as_data() -> None:
    assert json.loads(render(STANDARD, DISABLED)) == {
        "id": "evt_1",
        "object": "event",
        "type": "endpoint.disabled",
        "created_at": 1760627863,
        "timestamp": "2025-10-16T15:17:43Z",
        "data": {
            "id": "app",
            "object": "endpoint",
            "status": "disabled",
            "reason": "the receiver answered 410 Gone",
            "failing_since": None,
        },
        "watch": None,
    }


def test_a_recovered_endpoint_is_enabled_again() -> None:
    data = json.loads(render(STANDARD, RECOVERED))["data"]
    assert (data["id"], data["status"], data["reason"]) == ("app", "enabled", None)


def test_slack_says_why_and_what_to_do() -> None:
    payload = checked_body(render(SLACK, DISABLED))
    shown = json.dumps(payload, ensure_ascii=False)
    assert payload["text"].splitlines() == [
        "🔌 Endpoint disabled: app",
        "Enable it with: notifier endpoints enable app",
    ]
    assert "the receiver answered 410 Gone" in shown
    assert "`notifier endpoints enable app`" in shown


def test_slack_says_that_an_endpoint_is_back() -> None:
    assert checked_body(render(SLACK, RECOVERED))["text"] == "✅ Endpoint recovered: app"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("form", Format)
@given(data=st.data())
def test_any_notice_can_be_rendered(form: Format, language: Language, data: st.DataObject) -> None:
    notice: Notice = data.draw(
        st.builds(
            Notice,
            id=st.just("evt_1"),
            type=st.sampled_from(ABOUT_ENDPOINTS),
            created_at=st.integers(0, 2**33),
            endpoint=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True),
            reason=st.none() | st.text(),
            failing_since=st.none() | st.integers(0, 2**33),
        )
    )
    body = render(Rendering(form, language), notice)
    payload: Json = json.loads(body)
    if form is Format.SLACK:
        checked_body(body)
    if form is Format.STANDARD:
        assert payload["data"]["id"] == notice.endpoint
