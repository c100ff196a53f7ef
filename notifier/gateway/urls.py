"""Makes the URLs of one gateway from its `base_url`, whose query belongs on every request."""

import re
from urllib.parse import quote, urlencode, urlsplit

from notifier.config.urls import is_credential

_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]+")


def video_url(base_url: str, video_id: str) -> str:
    """Return the URL of a video's status; every reserved character of the opaque id is quoted."""
    return _below(base_url, _path(video_id))


def list_url(base_url: str, limit: int, after: str | None) -> str:
    """Return the URL of the page with up to `limit` videos after the id `after`."""
    query = {"limit": str(limit)} if after is None else {"limit": str(limit), "after": after}
    return _below(base_url, "/videos", urlencode(query, errors="replace"))


def content_url(base_url: str, video_id: str) -> str:
    """Return the URL from which a completed video can be downloaded, as receivers get it."""
    return without_credentials(download_url(base_url, video_id))


def download_url(base_url: str, video_id: str) -> str:
    """Return the URL from which notifier itself can download a completed video."""
    return _below(base_url, f"{_path(video_id)}/content")


def without_credentials(url: str) -> str:
    """Return a URL without the parameters that look like credentials."""
    if "?" not in url:
        return url
    parts = urlsplit(url)
    pairs = [pair for pair in parts.query.split("&") if not is_credential(pair.partition("=")[0])]
    return parts._replace(query="&".join(pairs)).geturl()


def _path(video_id: str) -> str:
    plain = _UNRESERVED.fullmatch(video_id) is not None
    return f"/videos/{video_id if plain else quote(video_id, safe='')}"


def _below(base_url: str, path: str, query: str = "") -> str:
    base, mark, of_base = base_url.partition("?")
    if not mark:
        return f"{base}{path}?{query}" if query else base + path
    return f"{base}{path}?" + "&".join(part for part in (of_base, query) if part)
