"""Classifies one HTTP answer to a status request.

An answer goes one straight way: decode, find the job, parse, classify. Each stage runs once. The
body counts before the HTTP status: vLLM-Omni reports a failed job as a video object with a non-2xx
status, and new-api says "no such task" with 400. The order is: a snapshot of this video, a refusal
by moderation (which is a failed job), a refused key, no such video, any other error, which may be
transient. Secrets that the gateway echoes are masked right after decoding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from notifier.gateway import poll_errors
from notifier.gateway.asked_ids import AskedIds
from notifier.gateway.decode import UnreadableError, decode
from notifier.gateway.extra_fields import DEFAULT_HIDDEN
from notifier.gateway.failure_reason import failure_reason
from notifier.gateway.job import Job, Named, may_be_envelope
from notifier.gateway.job_search import Search, find_job
from notifier.gateway.moderation import says_moderated
from notifier.gateway.not_found import (
    is_missing_word,
    may_be_refused,
    may_still_come,
    names_video,
    says_missing,
)
from notifier.gateway.secret_echo import SecretEchoMask
from notifier.gateway.video_parser import read_snapshot
from notifier.model.answer import Answer, NotFound, PollError, Seen, Unauthorized
from notifier.model.status import Status
from notifier.model.video import Json, Snapshot, VideoError
from notifier.schedule.retry_after import parse_poll_after_ms, parse_retry_after

_KEY_STATUSES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_KEY_TYPES = frozenset({"no_db_connection"})
_BUSY_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one gateway's answers are read.

    `status_words` are its own words, folded. `hidden` are patterns of fields that receivers do not
    get. `echoes` masks the secrets that it was sent. `asked` knows the ids that were asked for.
    """

    status_words: Mapping[str, Status] = field(default_factory=dict)
    rewrites_ids: bool = False
    echoes: SecretEchoMask = field(default_factory=SecretEchoMask)
    hidden: Sequence[str] = DEFAULT_HIDDEN
    asked: AskedIds = field(default_factory=AskedIds)


@dataclass(frozen=True, slots=True)
class _Reply:
    """A decoded answer, and what the search for the job found in it."""

    value: Json
    search: Search
    status: int
    wait: float | None
    at_edge: bool = False

    @property
    def succeeded(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


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
    wait = asked_wait(headers, wall)
    try:
        value = dialect.echoes.decoded(decode(body), body, video_id, dialect.status_words)
    except UnreadableError as error:
        return _without_json(status, headers, body, str(error), wait, dialect)
    success = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
    search = find_job(
        value,
        video_id,
        dialect.status_words,
        unnamed=success,
        any_id=success and dialect.rewrites_ids,
    )
    at_edge = not success and poll_errors.is_from_edge(headers, body)
    reply = _Reply(value, search, status, wait, at_edge)
    return (
        _about_job(reply, video_id, dialect)
        or _about_redirect(status, headers, wait, dialect)
        or _refusal(reply, video_id)
        or poll_errors.other(value, search, status, wait)
    )


def asks_to_wait(headers: Mapping[str, str]) -> bool:
    """Return whether an answer has one of the headers that `asked_wait` reads."""
    return "openai-poll-after-ms" in headers or "retry-after" in headers


def asked_wait(headers: Mapping[str, str], wall: float) -> float | None:
    """Return the wait in seconds that either of two headers asks for; None without any."""
    in_ms, after = headers.get("openai-poll-after-ms"), headers.get("retry-after")
    if in_ms is None and after is None:
        return None
    asked = (parse_poll_after_ms(in_ms or ""), parse_retry_after(after or "", wall))
    return max((wait for wait in asked if wait is not None), default=None)


def _about_job(reply: _Reply, video_id: str, dialect: Dialect) -> Answer | None:
    """Return what the job in an answer says, None if there is no job that counts."""
    job = reply.search.job
    if job is None:
        return None
    # the word of an object without ids, or of an envelope, may be that of the request
    doubtful = not job.explicit or may_be_envelope(job.body, job.word)
    if not reply.succeeded and (doubtful or job.status is None or not job.status.terminal):
        return None
    if (
        job.status is None
        and is_missing_word(job.word)
        and not may_still_come(reply.value, video_id)
    ):
        return NotFound(job.word[: poll_errors.MAX_DETAIL], reply.status, reply.wait)
    if doubtful and job.status is Status.FAILED and not reply.search.describes_video:
        text = says_missing(reply.value, video_id, reply.status)
        if text is not None:
            return NotFound(text[: poll_errors.MAX_DETAIL], reply.status, reply.wait)
    return Seen(read_snapshot(job, video_id, dialect.hidden), reply.status, reply.wait)


def _refusal(reply: _Reply, video_id: str) -> Answer | None:
    """Return what an answer without a job that counts refuses: the video, the key, or neither."""
    value, search, status, wait = reply.value, reply.search, reply.status, reply.wait
    final = status not in _BUSY_STATUSES and not search.describes_video
    if final and (text := _moderation(reply, video_id)):
        return Seen(_moderated(value, text, video_id), status, wait)
    missing = says_missing(value, video_id, status) if final else None
    # "the requested resource was not found" may be about a path, or about a whole API
    generic = missing is not None and not names_video(missing, video_id)
    gone = missing is not None and not generic and not may_be_refused(missing)
    if (status in _KEY_STATUSES or _names_key(value, status)) and not (
        gone and status == HTTPStatus.FORBIDDEN
    ):
        return _key_refused(status, poll_errors.error_sentence(value), wait, at_edge=reply.at_edge)
    not_believed = poll_errors.not_believed(search, status, wait)
    if not_believed is not None:
        return not_believed
    if missing:
        return NotFound(missing[: poll_errors.MAX_DETAIL], status, wait, generic)
    if final and status == HTTPStatus.GONE:
        detail = poll_errors.error_sentence(value) or "410 Gone"
        return NotFound(detail, status, wait, generic=True)
    return None


def _key_refused(status: int, said: str, wait: float | None, *, at_edge: bool) -> Answer:
    """Return a refusal of the key, unless Cloudflare refused the request before the gateway."""
    if at_edge:
        return PollError(f"http_{status}", said, poll_errors.EDGE_HINT, status, wait)
    return Unauthorized(status, said, wait)


def _moderation(reply: _Reply, video_id: str) -> str | None:
    status = reply.status
    about_request = status == HTTPStatus.UNAUTHORIZED or reply.search.other_id
    if about_request or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return None
    return says_moderated(reply.value, video_id, status)


def _moderated(value: Json, text: str, video_id: str) -> Snapshot:
    """Return the snapshot of a job that a moderation refused, as `text` says."""
    body = value if isinstance(value, dict) else {"error": value}
    job = Job(body, Status.FAILED.value, Status.FAILED, Named.YES, explicit=False)
    reason = failure_reason(job) or VideoError(text)
    return Snapshot(video_id, Status.FAILED, job.word, error=reason)


def _names_key(value: Json, status: int) -> bool:
    """Return whether a gateway says in its own way that it does not know the key."""
    if status != HTTPStatus.BAD_REQUEST or not isinstance(value, dict):
        return False
    error = value.get("error")
    return isinstance(error, dict) and error.get("type") in _KEY_TYPES  # LiteLLM without database


def _about_redirect(
    status: int, headers: Mapping[str, str], wait: float | None, dialect: Dialect
) -> PollError | None:
    if not HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return None
    return poll_errors.redirected(status, dialect.echoes.clean(headers.get("location", "")), wait)


def _without_json(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    problem: str,
    wait: float | None,
    dialect: Dialect,
) -> Answer:
    redirect = _about_redirect(status, headers, wait, dialect)
    if redirect is not None:
        return redirect
    said = poll_errors.excerpt(headers, body, dialect.echoes.clean)
    if status in _KEY_STATUSES and not poll_errors.is_html(headers, body):
        at_edge = poll_errors.is_from_edge(headers, body)
        return _key_refused(status, said, wait, at_edge=at_edge)
    if status == HTTPStatus.GONE and not poll_errors.is_html(headers, body):
        return NotFound(said or "410 Gone", status, wait, generic=True)
    said = f"{problem}: {said}" if said else problem
    return poll_errors.unreadable(status, headers, body, said, wait)
