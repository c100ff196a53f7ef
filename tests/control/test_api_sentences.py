"""What the control API says to a request that it cannot route or read."""

from typing import cast

import httpx
import pytest

from notifier.control.api import build_api
from notifier.control.operations import Operations


async def answer(method: str, path: str, body: str | None = None) -> httpx.Response:
    """Return the answer to a request that no operation is needed for."""
    transport = httpx.ASGITransport(build_api(cast("Operations", None)))
    headers = {"content-type": "application/json"}
    async with httpx.AsyncClient(transport=transport, base_url="http://api.example") as client:
        return await client.request(method, path, content=body, headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "parts"),
    [
        ("GET", "/v1/watchs", ['"/v1/watchs"', "/openapi.json"]),
        ("GET", "/v1/whsec_MDEyMzQ1", ["there is no such path", "/openapi.json"]),
        ("DELETE", "/v1/watches/video_1", ['"/v1/watches/video_1"', "/openapi.json"]),
        ("GET", "/v1/events/", ['"/v1/events/"', "/openapi.json"]),
    ],
)
async def test_an_unknown_path_is_quoted_and_the_document_named(
    method: str, path: str, parts: list[str]
) -> None:
    refused = await answer(method, path)
    assert refused.status_code == 404
    detail = refused.json()["detail"]
    assert all(part in detail for part in parts), detail
    assert "whsec_" not in detail


async def test_a_wrong_method_is_answered_with_the_right_ones() -> None:
    refused = await answer("PUT", "/v1/watches", "{}")
    assert refused.status_code == 405
    assert refused.json()["detail"] == "PUT is not for this path; it takes GET, HEAD, POST"
    assert refused.headers["allow"] == "GET, HEAD, POST"


async def test_what_is_neither_a_watch_nor_an_array_hears_of_both() -> None:
    refused = await answer("POST", "/v1/watches", '"video_1"')
    assert refused.status_code == 422
    assert "a JSON object, or an array" in refused.json()["detail"]


async def test_an_unknown_event_type_in_a_filter_is_refused_with_the_nearest() -> None:
    refused = await answer("GET", "/v1/events?type=video.complete")
    assert refused.status_code == 422
    detail = refused.json()["detail"]
    assert '"video.complete"' in detail
    assert "did you mean `video.completed`?" in detail
