"""A gateway's own fields reach receivers, except those that are to be hidden."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from notifier.gateway import Dialect, classify
from notifier.model.answer import Seen


def extra(body: Mapping[str, object], **dialect: Any) -> object:  # noqa: ANN401 - what a Dialect takes
    answer = classify(
        200,
        {},
        json.dumps({"id": "v", "status": "completed", **body}).encode(),
        video_id="v",
        dialect=Dialect(**dialect),
        wall=0,
    )
    assert isinstance(answer, Seen)
    return dict(answer.snapshot.extra)


@pytest.mark.parametrize("name", ["file_path", "File_Path", "video_path", "file_paths"])
def test_a_servers_own_paths_are_left_out_at_any_depth(name: str) -> None:
    body = {name: "/srv/x.mp4", "url": "u", "a": [{"b": {name: ["/srv"], "path": "p"}}]}
    assert extra(body) == {"url": "u", "a": [{"b": {"path": "p"}}]}


def test_what_is_hidden_is_for_the_config_to_say() -> None:
    body = {"file_path": "/srv", "prompt": "p", "cost_usd": 1}
    assert extra(body, hidden=("prompt", "cost_*")) == {"file_path": "/srv"}
    assert extra(body, hidden=()) == body
    assert extra(body, hidden=("[",)) == body


def test_the_protocols_own_fields_are_never_hidden() -> None:
    assert extra({"model": "m", "file_path": "p"}, hidden=("*",)) == {}
