"""Reads why a job failed, from any of the fields that gateways use for it.

The reason may stand in `error` or beside it, in a part such as MiniMax's `base_resp`, or in the
envelope around the job. A text such as `success` is an envelope's and no reason.
"""

from collections.abc import Iterator, Sequence

from notifier.gateway import fields
from notifier.gateway.job import Job, filter_report
from notifier.gateway.quoted import quoted_json
from notifier.model.status import EXPIRED, Status, fold_word, read_status
from notifier.model.video import Json, VideoError

_MESSAGES = (
    *("error", "errors", "fail_reason", "failure_reason", "failure", "error_message", "error_msg"),
    *("errmsg", "err_msg", "task_status_msg", "status_msg", "status_message", "failure_message"),
    *("failReason", "failureReason", "failureMessage", "failMsg", "errorMessage"),
    "ErrorMessage",
    *("last_error", "status_detail", "reason"),
    *("message", "msg", "detail"),
)
_CODES = (
    *("code", "error_code", "err_code", "errcode", "failure_code", "failureCode", "failCode"),
    *("errorCode", "ErrorCode"),
)
# Only within an error: beside a status, `description` may be the prompt, and `kind` says "video".
_MESSAGES_IN_ERROR = (*_MESSAGES, "description")
_CODES_IN_ERROR = (*_CODES, "kind")
_PARTS = ("output", "result", "task_result", "data")
_NO_REASONS = frozenset({"ok", "success", "succeed", "request_success", "none", "null", "成功"})
_LONGEST = 1000
_MINIMAX_CODES_FROM = 1000


def failure_reason(job: Job) -> VideoError | None:
    """Return the reason of a job that failed or was cancelled, None if the gateway gave none."""
    found = next(_reasons(job), None)
    if fold_word(job.word).rpartition("_")[2] == EXPIRED:
        return VideoError(found.message if found else None, EXPIRED)
    return found


def _reasons(job: Job) -> Iterator[VideoError]:
    parts = (job.body.get(name) for name in _PARTS)
    bodies = [job.body, _minimax_part(job.body.get("base_resp")), *parts, *job.around]
    for body in bodies:
        if isinstance(body, dict) and (reason := _reason_in(body)) is not None:
            yield reason
    filtered = (filter_report(job.body) or {}).get("raiMediaFilteredReasons")
    if isinstance(filtered, list) and (reason := fields.error(next(iter(filtered), None))):
        yield reason
    metadata = job.body.get("metadata")
    url = metadata.get("url") if isinstance(metadata, dict) else None
    # new-api puts the result's address and the reason of a failure into one field
    if isinstance(url, str) and "://" not in url and (reason := fields.error(url)) is not None:
        yield reason


def _minimax_part(part: Json) -> Json:
    """Return MiniMax's `base_resp` with its `status_code`, where that is an error's, as `code`."""
    if not isinstance(part, dict) or "code" in part:
        return part
    number = fields.number(part.get("status_code"))
    if number is None or number < _MINIMAX_CODES_FROM:
        return part
    return {**part, "code": part["status_code"]}


def _reason_in(
    body: dict[str, Json], messages: Sequence[str] = _MESSAGES, codes: Sequence[str] = _CODES
) -> VideoError | None:
    """Return the first reason among an object's own fields."""
    code = next((code for name in codes if (code := _code(body.get(name))) is not None), None)
    for name in messages:
        value = body.get(name)
        codes_within: Sequence[str] = _CODES_IN_ERROR
        if isinstance(value, list):
            value = next(iter(value), None)
            if name == "detail":
                codes_within = (*_CODES_IN_ERROR, "type")  # fal, as FastAPI does
        if isinstance(value, dict):
            within = _reason_in(value, _MESSAGES_IN_ERROR, codes_within)
            if within is not None:
                return within
        elif isinstance(value, str) and (message := _message(value)) is not None:
            return _quoted_reason(value) or VideoError(message, code)
    return None if code is None else VideoError(None, code)


def _quoted_reason(text: str) -> VideoError | None:
    """Return the reason in a text that is the JSON of an error, None for any other text."""
    quoted = (value for value, whole in quoted_json(text) if whole and isinstance(value, dict))
    return next(filter(None, map(_reason_in, quoted)), None)


def _message(text: str) -> str | None:
    if not text.strip() or fold_word(text) in _NO_REASONS:
        return None
    return None if read_status(text) is Status.COMPLETED else text[:_LONGEST]


def _code(value: Json) -> str | None:
    code = fields.text(value)
    return None if code is None or fold_word(code) in fields.NO_CODES else code
