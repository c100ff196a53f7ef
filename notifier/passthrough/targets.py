"""Decides where a request goes: below /NAME/v1/ to the gateway NAME, and nowhere else."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_DEPTH = 4
"""How often a segment may have been percent-encoded; more than that is refused."""

_TUNNELS = frozenset({"CONNECT"})


class RefusedError(Exception):
    """A request that is not passed on: `status` and one sentence for its problem document."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers


class Target(NamedTuple):
    """A gateway's name, and what follows its base URL: "/videos/video_1", still encoded."""

    gateway: str
    path: str


def read_target(method: str, raw_path: bytes) -> Target:
    """Return where a request to `raw_path`, a target without its query, goes.

    Raises RefusedError for what is no origin-form target below /NAME/v1/, and for dot segments,
    encoded or not: a gateway that resolves them would answer from another path.
    """
    if method in _TUNNELS:
        raise RefusedError(HTTPStatus.NOT_IMPLEMENTED, f"{method} is not passed on")
    if not raw_path.startswith(b"/") or b"#" in raw_path or b"\\" in raw_path:
        detail = "the request's target must be a path, such as /NAME/v1/videos"
        raise RefusedError(HTTPStatus.BAD_REQUEST, detail)
    segments = raw_path.split(b"/")[1:]
    if any(map(_may_be_dots, segments)):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "dot segments in a path are not passed on")
    if segments[2:3] == [b""] and len(segments) > 3:  # noqa: PLR2004 - more than /NAME/v1/
        # below a base URL without a path it would name another host
        raise RefusedError(HTTPStatus.BAD_REQUEST, "empty segments after v1 are not passed on")
    if len(segments) < 3 or segments[1] != b"v1" or not segments[0]:  # noqa: PLR2004 - /NAME/v1/…
        detail = "paths begin with a gateway's name and v1, such as /NAME/v1/videos"
        raise RefusedError(HTTPStatus.NOT_FOUND, detail)
    return Target(segments[0].decode("latin-1"), "/" + b"/".join(segments[2:]).decode("latin-1"))


def video_id_of(path: str) -> str | None:
    """Return the id in the path of a status request, None for any other path."""
    parts = path.split("/")
    if len(parts) != 3 or parts[1] != "videos" or not parts[2]:  # noqa: PLR2004 - "", videos, ID
        return None
    try:
        return unquote_to_bytes(parts[2]).decode()
    except UnicodeDecodeError:
        return None


def _may_be_dots(segment: bytes) -> bool:
    """Return whether a gateway may take a segment for one that consists of dots."""
    for _ in range(_DEPTH):
        parts = segment.replace(b"\\", b"/").split(b"/")
        # some servers cut off what follows a semicolon
        if any(part.partition(b";")[0].strip() in {b".", b".."} for part in parts):
            return True
        decoded = unquote_to_bytes(segment)
        if decoded == segment:
            return False
        segment = decoded
    return True
