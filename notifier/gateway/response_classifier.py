"""Classifies one HTTP answer to a status request.

The body is parsed before the HTTP status counts: vLLM-Omni reports a failed job as a video object
with a non-2xx status, and new-api says "no such task" with 400. The order is: a snapshot of this
video, a refused key, no such video, any other error, which may be transient. Secrets that the
gateway echoes are masked before anything is parsed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from notifier.gateway.decode import UnreadableError, decode
from notifier.gateway.not_found import says_missing
from notifier.gateway.secret_echo import SecretEchoMask
from notifier.gateway.video_parser import (
    calls_itself_video,
    ids,
    is_about,
    is_envelope,
    read_snapshot,
    video_object,
)
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.status import Status
from notifier.model.video import Json
from notifier.schedule.retry_after import parse_poll_after_ms, parse_retry_after

_BASE_URL_HINT = "does base_url end in /v1?"
_REWRITES_HINT = "if this gateway re-encodes ids, set rewrites_ids = true"
_KEY_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_BUSY_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_MAX_DETAIL = 200


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one gateway's answers are read: its own status words, its ids, its secrets."""

    status_words: Mapping[str, Status] = field(default_factory=dict)
    rewrites_ids: bool = False
    echoes: SecretEchoMask = field(default_factory=SecretEchoMask)


def classify(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    video_id: str,
    dialect: Dialect,
    wall: float,
) -> Answer:
    """Return what an answer means for the watch of `video_id`; never raises.

    `headers` has lower-case names. `wall` (Unix seconds) turns a dated Retry-After into a wait.
    """
    wait = _asked_wait(headers, wall)
    try:
        value = decode(body)
        if dialect.echoes.may_be_in(body):
            value = dialect.echoes.masked(value, video_id, dialect.status_words)
    except UnreadableError as error:
        return _unreadable(status, headers, body, str(error), wait)
    about = _about_video(value, status, video_id, dialect)
    if isinstance(about, Seen):
        return Seen(about.snapshot, status, wait)
    if status in _KEY_STATUSES:
        return Unauthorized(status, _error_text(value), wait)
    if about is not None:
        return PollError(about.reason, about.detail, about.hint, status, wait)
    if status not in _BUSY_STATUSES and (said := says_missing(value, video_id, status)):
        return NotFound(said[:_MAX_DETAIL], status, wait)
    return _refused(status, value, wait)


def _asked_wait(headers: Mapping[str, str], wall: float) -> float | None:
    """Return the wait in seconds that either of two headers asks for; None without any."""
    in_ms, after = headers.get("openai-poll-after-ms"), headers.get("retry-after")
    if in_ms is None and after is None:
        return None
    asked = (parse_poll_after_ms(in_ms or ""), parse_retry_after(after or "", wall))
    return max((wait for wait in asked if wait is not None), default=None)


def _about_video(
    value: Json, status: int, video_id: str, dialect: Dialect
) -> Seen | PollError | None:
    """Parse the video object; a PollError if it does not count, None if there is none.

    "Not found" inside a video object is about its parts, such as a reference image.
    """
    body = video_object(value, video_id)
    success = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    if body is None or (not success and is_envelope(body)):
        return _refused(status, value, None) if calls_itself_video(value) else None
    snapshot = read_snapshot(body, video_id, dialect.status_words)
    if not success and not snapshot.ended:
        return PollError(f"http_{status}", _error_text(value))
    # an error envelope may have an id and a status of its own: only the watched id counts there
    if is_about(body, video_id) or (dialect.rewrites_ids and success):
        return Seen(snapshot)
    other = next(ids(body))[:_MAX_DETAIL]
    return PollError("other_id", f"the answer is about {other!r}", _REWRITES_HINT)


def _unreadable(
    status: int, headers: Mapping[str, str], body: bytes, problem: str, wait: float | None
) -> Answer:
    if status in _KEY_STATUSES:
        return Unauthorized(status, wait=wait)
    if status >= HTTPStatus.BAD_REQUEST:
        hint = _BASE_URL_HINT if status == HTTPStatus.NOT_FOUND else ""
        return PollError(f"http_{status}", problem, hint, status, wait)
    if not body.strip():
        return PollError("empty", "an answer without a body", "", status, wait)
    if "html" in headers.get("content-type", "").lower() or body.lstrip()[:1] == b"<":
        return PollError("html", "a web page instead of JSON", _BASE_URL_HINT, status, wait)
    return PollError("broken_json", problem, "", status, wait)


def _refused(status: int, value: Json, wait: float | None) -> PollError:
    """Describe readable JSON that is not about a video and not about the key."""
    if status < HTTPStatus.BAD_REQUEST:
        reason = "error_object" if isinstance(value, dict) and value.get("error") else "no_video"
        return PollError(reason, _error_text(value), "", status, wait)
    hint = _BASE_URL_HINT if status == HTTPStatus.NOT_FOUND else ""
    return PollError(f"http_{status}", _error_text(value), hint, status, wait)


def _error_text(value: Json) -> str:
    """Return the message in an error object, "" without one."""
    for _ in range(3):
        if not isinstance(value, dict):
            break
        value = next(
            (value[name] for name in ("error", "message", "detail", "msg") if value.get(name)),
            None,
        )
    return value[:_MAX_DETAIL] if isinstance(value, str) else ""
