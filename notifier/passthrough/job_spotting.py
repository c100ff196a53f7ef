"""Decides whether an answer is a video job, by what it is and not by the path it came from."""

from collections.abc import Mapping
from http import HTTPStatus

from notifier.errors import TransportError
from notifier.gateway.content_coding import decoded_body
from notifier.gateway.decode import UnreadableError, decode
from notifier.gateway.job import status_word
from notifier.model.status import Status, read_status
from notifier.model.video import Json

MAX_ANSWER = 1024 * 1024
"""Largest answer that is read, in bytes, also after decompression."""

_ID_NAMES = ("id", "video_id", "task_id")
_OF_VIDEOS = frozenset(
    {
        *("progress", "seconds", "duration", "size", "resolution", "aspect_ratio", "fps"),
        *("polling_url", "video_url", "remixed_from_video_id"),
    }
)
_WRAPPERS = ("data", "result", "video", "task")


def new_job(
    status: int, headers: Mapping[str, str], body: bytes, words: Mapping[str, Status]
) -> str | None:
    """Return the id of the video job that an answer describes, None if it describes none.

    That is a 2xx answer with an object that calls itself a video and has an id, or that calls
    itself nothing, has an id, a status word that is known, and a field that videos have. It may
    stand in one wrapper (`data`, …). `words` are the gateway's own status words, `headers` have
    lower-case names. Never raises.
    """
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    try:
        value = decode(decoded_body(headers, body, MAX_ANSWER))
    except (TransportError, UnreadableError):
        return None
    return job_id(value, words)


def job_id(value: Json, words: Mapping[str, Status]) -> str | None:
    """Return the id of the job that a decoded answer is, None if it is none."""
    if not isinstance(value, dict):
        return None
    found = _id_of_video(value, words)
    if found is not None or "object" in value:
        return found
    inner = (value.get(name) for name in _WRAPPERS)
    ids = (_id_of_video(each, words) for each in inner if isinstance(each, dict))
    return next((each for each in ids if each is not None), None)


def _id_of_video(value: dict[str, Json], words: Mapping[str, Status]) -> str | None:
    named = (value.get(name) for name in _ID_NAMES)
    found = next((each for each in named if isinstance(each, str) and each), None)
    if found is None:
        return None
    kind = value.get("object")
    if kind is not None:
        return found if kind == "video" else None
    word = status_word(value)
    known = word is not None and read_status(word, words) is not None
    return found if known and not _OF_VIDEOS.isdisjoint(value) else None
