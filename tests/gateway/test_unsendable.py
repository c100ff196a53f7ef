"""What cannot be sent is an answer to its video, whoever makes the request."""

import pytest

from notifier.gateway import GatewayClient, GatewayRules
from notifier.http_client import open_client
from notifier.model.answer import PollError


@pytest.mark.parametrize(
    ("base_url", "headers"),
    [
        ("http://999.999.999.999/v1", {}),
        ("http://h/v1", {"authorization": "Bearer a\nb"}),
        ("http://h/v1", {"authorization": "Bearer \u4efb"}),
    ],
)
async def test_a_request_that_cannot_be_sent_is_left_to_a_task_and_fails_there(
    base_url: str, headers: dict[str, str]
) -> None:
    async with open_client(1) as http:
        rules = GatewayRules(base_url, lambda: headers, 5, {}, rewrites_ids=False)
        client = GatewayClient(rules, http, lambda: 0.0)
        for _ in range(2):
            assert not client.start("video_1", lambda _: None)
        answer = await client.retrieve("video_1")
    assert isinstance(answer, PollError)
    assert answer.reason == "bad_request"
