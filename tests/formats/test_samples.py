import json
from typing import Any

import pytest

from notifier.formats.samples import VIDEO_ID, render_sample
from notifier.model.delivery import Format, Rendering
from notifier.model.event import WITH_CONTENT, EventType
from notifier.model.video import Json
from tests.builders import START

NOW = int(START)
ENDINGS = [each for each in EventType if each.startswith("video.")]
GATEWAY = ("main", "https://gateway.example/v1/")


def sample(event_type: EventType, form: Format = Format.STANDARD) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(
        render_sample(Rendering(form), event_type, "evt_1", NOW, GATEWAY)
    )
    return body


@pytest.mark.parametrize("event_type", EventType)
def test_every_type_has_a_sample_that_says_what_it_is(event_type: EventType) -> None:
    event = sample(event_type)
    assert (event["id"], event["type"], event["object"]) == ("evt_1", event_type, "event")
    assert event["test"] is True
    assert event["data"]["id"] == VIDEO_ID == "video_notifier_test"
    assert event["created_at"] == NOW


@pytest.mark.parametrize("event_type", ENDINGS)
def test_a_video_in_a_sample_has_all_fields_and_times_that_can_be(event_type: EventType) -> None:
    data, watch = sample(event_type)["data"], sample(event_type)["watch"]
    assert (data["object"], data["model"], data["seconds"]) == ("video", "sora-2", "8")
    assert data["created_at"] < NOW
    assert (data["completed_at"] is not None) is (event_type in WITH_CONTENT)
    assert (data["error"] is not None) is (event_type is EventType.FAILED)
    assert watch["gateway"] == "main"
    url = f"https://gateway.example/v1/videos/{VIDEO_ID}/content"
    assert watch["content_url"] == (url if event_type in WITH_CONTENT else None)


def test_the_status_of_a_sample_goes_with_its_type() -> None:
    statuses = {each: sample(each)["data"]["status"] for each in ENDINGS}
    assert statuses[EventType.COMPLETED] == "completed"
    assert statuses[EventType.FAILED] == "failed"
    assert statuses[EventType.CANCELLED] == "cancelled"
    assert {statuses[EventType.LOST], statuses[EventType.TIMED_OUT]} <= {"queued", "in_progress"}


@pytest.mark.parametrize("event_type", EventType)
def test_a_message_in_slack_says_that_it_is_a_test(event_type: EventType) -> None:
    message: dict[str, Json] = sample(event_type, Format.SLACK)
    assert "test" in str(message["text"]).lower()
    assert "test" in json.dumps(message["blocks"]).lower()
