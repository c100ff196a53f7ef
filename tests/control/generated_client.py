# mypy: ignore-errors
"""Uses the generated client as its user would; runs where that is installed."""

import json
import sys

from made import AuthenticatedClient
from made.api.daemon import get_status
from made.api.endpoints import test_endpoint as send_test
from made.api.events import get_event, list_events, replay_events
from made.api.watches import add_watch, get_watch, list_watches, remove_watch
from made.models import (
    NewWatch,
    NewWatchMetadata,
    Problem,
    ReplayRequest,
    ReplayRequestOnly,
    SampleRequest,
    SampleRequestType,
)

base_url, token = sys.argv[1:]
said = {}
with AuthenticatedClient(base_url, token, raise_on_unexpected_status=True) as client:
    metadata = NewWatchMetadata.from_dict({"user": "42"})
    wanted = NewWatch(video_id="another", metadata=metadata)
    added = add_watch.sync_detailed(client=client, body=wanted)
    watch = added.parsed
    said["added"] = [
        added.status_code,
        watch.video_id,
        watch.state,
        watch.metadata.additional_properties,
    ]
    said["again"] = add_watch.sync_detailed(client=client, body=wanted).status_code
    said["watches"] = [each.video_id for each in list_watches.sync(client=client).data]
    status = get_status.sync(client=client)
    said["open"] = status.watches.open_
    said["gateway"] = status.gateways[0].state
    events = list_events.sync(client=client, type_="video.*").data
    said["events"] = [[each.type_, each.video_id, each.deliveries.delivered] for each in events]
    event = get_event.sync(events[0].id, client=client)
    said["attempts"] = [[a.number, a.outcome, a.status] for a in event.deliveries[0].attempts]
    body = SampleRequest(type_=SampleRequestType.VIDEO_FAILED)
    tested = send_test.sync("app", client=client, body=body)
    said["tested"] = [tested.delivered, tested.type_]
    again = ReplayRequest(since=0.0, only=ReplayRequestOnly.ALL)
    replayed = replay_events.sync(client=client, body=again)
    said["replayed"] = replayed.deliveries.additional_properties
    said["removed"] = remove_watch.sync_detailed("main", "another", client=client).status_code
    refused = get_watch.sync("main", "nothing", client=client)
    assert isinstance(refused, Problem)
    said["refused"] = [refused.status, refused.detail]
sys.stdout.write(json.dumps(said))
