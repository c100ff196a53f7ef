"""Makes the URLs of one gateway from its `base_url`, whose query belongs on every request."""

import re
from urllib.parse import quote, urlencode, urlsplit

from notifier.config.urls import is_credential

_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]+")


def video_url(base_url: str, video_id: str) -> str:
    """Return the URL of a video's status."""
    before, after = around_video(base_url)
    return before + path_segment(video_id) + after


def around_video(base_url: str) -> tuple[str, str]:
    """Return what stands before and after a video's `path_segment` in `video_url`."""
    before, mark, query = base_url.partition("?")
    return f"{before}/videos/", mark + query


def path_segment(video_id: str) -> str:
    """Return the opaque id with every reserved character quoted."""
    return video_id if _UNRESERVED.fullmatch(video_id) else quote(video_id, safe="")


def list_url(base_url: str, limit: int, after: str | None) -> str:
    """Return the URL of the page with up to `limit` videos after the id `after`."""
    query = {"limit": str(limit)} if after is None else {"limit": str(limit), "after": after}
    base, _, of_base = base_url.partition("?")
    parts = (of_base, urlencode(query, errors="replace"))
    return f"{base}/videos?" + "&".join(part for part in parts if part)


def content_url(base_url: str, video_id: str) -> str:
    """Return the URL from which a completed video can be downloaded, as receivers get it."""
    return without_credentials(download_url(base_url, video_id))


def download_url(base_url: str, video_id: str) -> str:
    """Return the URL from which notifier itself can download a completed video."""
    before, after = around_video(base_url)
    return f"{before}{path_segment(video_id)}/content{after}"


def without_credentials(url: str) -> str:
    """Return a URL without the parameters that look like credentials."""
    if "?" not in url:
        return url
    parts = urlsplit(url)
    pairs = [pair for pair in parts.query.split("&") if not is_credential(pair.partition("=")[0])]
    return parts._replace(query="&".join(pairs)).geturl()
