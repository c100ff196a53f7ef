"""Secrets sent to a gateway, the key and secret headers, are masked when an answer quotes them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from notifier.app import wiring
from notifier.config import load
from notifier.http_client import HttpRequest, HttpResponse, PeerClient, RequestTemplate
from notifier.model.answer import Seen


class Echoing:
    """Answers with a failed job that quotes every header."""

    def start(self, requests: RequestTemplate, segment: str, done: object) -> bool:
        return False  # each request takes a task

    async def send(self, request: HttpRequest) -> HttpResponse:
        job = {
            "id": "video_1",
            "status": "failed",
            "error": "bad key",
            "sent": dict(request.headers),
        }
        return HttpResponse(200, {}, json.dumps(job).encode())


async def received(folder: Path, gateway: str, env: Mapping[str, str]) -> object:
    path = folder / "config.toml"
    path.write_text(f'[gateways.main]\nbase_url = "http://127.0.0.1:9/v1"\n{gateway}\n')
    settings = load(path, env).gateways["main"]
    client = wiring.gateway_client(settings, cast("PeerClient", Echoing()), lambda: 0.0)
    answer = await client.retrieve("video_1")
    assert isinstance(answer, Seen)
    return answer.snapshot.extra["sent"]


@pytest.mark.parametrize(
    "gateway",
    [
        'api_key = "hidden-0123"',
        'api_key = { env = "KEY" }',
        'headers = { api-key = "hidden-0123" }',
        'headers = { authorization = "Basic hidden-0123" }',
        'headers = { x-tenant = { env = "KEY" } }',
    ],
)
async def test_a_secret_that_was_sent_is_masked_in_the_answer(
    tmp_path: Path, gateway: str
) -> None:
    sent = await received(tmp_path, gateway, {"KEY": "hidden-0123"})
    assert "hidden-0123" not in repr(sent)
    assert "[secret]" in repr(sent)


async def test_a_header_that_is_no_secret_is_not_masked(tmp_path: Path) -> None:
    sent = await received(tmp_path, 'headers = { x-tier = "sora-2-pro" }', {})
    assert isinstance(sent, dict)
    assert sent["x-tier"] == "sora-2-pro"
