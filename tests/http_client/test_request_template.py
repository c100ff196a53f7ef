"""Requests that differ in a segment of their path go over the wire as any other request does."""

import pytest

from notifier.errors import TransportError
from notifier.gateway.urls import around_video, path_segment, video_url
from notifier.http_client.requests import HttpRequest, RequestTemplate, encode

BASES = (
    "http://127.0.0.1:8080/v1",
    "https://gateway.example/v1",
    "https://gateway.example/v1?api-version=2024-10-21&x=a%20b",
    "https://gateway.example/a/../v1",
    "https://[::1]:8443/v1",
    "https://b\u00fccher.example/v1",
    "https://gateway.example/v1/videos/x HTTP/1.1",
)
IDS = (
    "video_1",
    "x",
    "a/b",
    "..",
    ".",
    ".hidden",
    "video 1",
    "\u4efb\u52a1",
    "a?b#c",
    "%2e",
    "~-_",
)


@pytest.mark.parametrize("base_url", BASES)
@pytest.mark.parametrize("video_id", IDS)
def test_a_request_is_the_one_that_its_url_means(base_url: str, video_id: str) -> None:
    headers = {"authorization": "Bearer k", "accept": "application/json"}
    request = HttpRequest("GET", video_url(base_url, video_id), headers, 30, 1024)

    template = RequestTemplate(*around_video(base_url), request._replace(url=""))

    assert template.request(path_segment(video_id)) == request
    assert template.message(path_segment(video_id)) == encode(request)


def test_a_header_that_cannot_be_sent_is_refused() -> None:
    like = HttpRequest("GET", "", {"x": "a\r\nb"}, 30, 1024)
    template = RequestTemplate("http://h/videos/", "", like)
    with pytest.raises(TransportError, match="line break"):
        template.message("video_1")
