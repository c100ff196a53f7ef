"""Events as CloudEvents, read by the CloudEvents SDK."""

import json

import pytest
from cloudevents.v1.http import from_http
from hypothesis import given

from notifier.formats import cloudevents, standard
from notifier.formats.notices import render as render_notice
from notifier.model.event import Event, EventType, Notice
from tests.formats.events import COMPLETED, any_event

HEADERS = {"content-type": cloudevents.CONTENT_TYPE}


def test_the_sdk_reads_the_attributes_and_the_standard_event_as_data() -> None:
    read = from_http(HEADERS, cloudevents.render(COMPLETED))
    assert (read["specversion"], read["id"]) == ("1.0", "evt_68f10d27")
    assert (read["source"], read["type"]) == ("/notifier/main", "video.completed")
    assert (read["subject"], read["time"]) == ("video_1", "2025-10-16T15:17:43Z")
    assert read.data == json.loads(standard.render(COMPLETED))


def test_an_event_about_an_endpoint_comes_from_notifier_itself() -> None:
    notice = Notice("evt_1", EventType.ENDPOINT_RECOVERED, 1760627863, "app")
    read = from_http(HEADERS, cloudevents.render(notice))
    assert (read["source"], read["subject"]) == ("/notifier", "app")
    assert read.data == json.loads(render_notice(notice))


@given(any_event)
def test_any_event_is_strict_json_with_a_source_that_is_a_uri(event: Event) -> None:
    made = json.loads(cloudevents.render(event), parse_constant=pytest.fail)
    assert made["source"].isascii()
    assert " " not in made["source"]
    assert made["data"]["object"] == "event"
