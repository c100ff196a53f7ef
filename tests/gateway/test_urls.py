"""The URLs of a gateway: odd ids are quoted, and the query of base_url is on every request."""

import pytest

from notifier.gateway.urls import content_url, download_url, list_url, video_url

BASE = "https://h/openai/v1"
AZURE = f"{BASE}?api-version=preview"


@pytest.mark.parametrize(
    ("video_id", "quoted"), [("video_1", "video_1"), ("a/b?c#d e%", "a%2Fb%3Fc%23d%20e%25")]
)
def test_the_query_stands_behind_the_path(video_id: str, quoted: str) -> None:
    assert video_url(BASE, video_id) == f"{BASE}/videos/{quoted}"
    assert video_url(AZURE, video_id) == f"{BASE}/videos/{quoted}?api-version=preview"
    content = f"{BASE}/videos/{quoted}/content"
    assert content_url(BASE, video_id) == content
    assert content_url(AZURE, video_id) == f"{content}?api-version=preview"


def test_a_page_has_the_query_and_its_own() -> None:
    assert list_url(AZURE, 100, None) == f"{BASE}/videos?api-version=preview&limit=100"
    assert list_url(BASE, 5, "a b") == f"{BASE}/videos?limit=5&after=a+b"


@pytest.mark.parametrize("name", ["key", "api_key", "access_token", "sig", "Password", "code"])
def test_receivers_get_no_credential_of_the_query(name: str) -> None:
    base = f"https://h/v1?provider=x&{name}=hidden&v=1"
    assert content_url(base, "a") == "https://h/v1/videos/a/content?provider=x&v=1"
    assert "hidden" in download_url(base, "a")
    assert "hidden" in video_url(base, "a")
