"""Turns the object that describes a job into a snapshot."""

import re
from collections.abc import Sequence
from sys import intern

from notifier.gateway import fields
from notifier.gateway.clauses import as_code
from notifier.gateway.extra_fields import DEFAULT_HIDDEN, PROTOCOL, extra_fields
from notifier.gateway.failure_reason import failure_reason
from notifier.gateway.job import Job, names_operation
from notifier.model.status import Status, read_status
from notifier.model.video import Json, Snapshot, VideoError

_MAX_WORD = 64
_GOOGLE_CANCELLED = "1"  # google.rpc.Code
# a cancelled request, context or upstream is a gateway's own trouble
_CANCEL = re.compile(
    r"(?:(?:user|(?:video_)?(?:generation_)?(?:task|job)|video|(?:video_)?generation|prediction"
    r"|operation)_(?:(?:was|is|has_been|been)_)?)?cancell?ed"
    r"(?:_by_(?:(?:the|an?)_)?(?:user|owner|creator|caller|customer|admin(?:istrator)?|operator))?"
    r"(?:_error|_exception)?"
)


def read_snapshot(job: Job, video_id: str, hidden: Sequence[str] = DEFAULT_HIDDEN) -> Snapshot:
    """Parse a job; its id becomes the watched one. Fields named in `hidden` are left out."""
    body, status = job.body, job.status
    error: VideoError | None = None
    if status is Status.FAILED or status is Status.CANCELLED:
        error = failure_reason(job)
    elif (given := body.get("error")) is not None:
        error = fields.error(given)
    if status is Status.COMPLETED and error is not None and body.get("error_type"):
        status = Status.FAILED  # fal completes every request, and says so if it failed
    # "failed" with such an error is how Unsloth Studio and others report a cancelled job
    if status is Status.FAILED and error is not None and _is_cancel(body, error.code):
        status = Status.CANCELLED
    progress = fields.progress(body.get("progress"))
    if status is Status.COMPLETED and (progress is None or progress == 1):
        progress = 100  # a gateway that counts from 0 to 1 ends with 1
    return Snapshot(
        video_id,
        status,
        intern(job.word[:_MAX_WORD]),  # one text for all snapshots with the same word
        fields.text(body.get("model")),
        progress,
        fields.timestamp(body.get("created_at")),
        fields.timestamp(body.get("completed_at")),
        fields.timestamp(body.get("expires_at")),
        fields.text(body.get("seconds")),
        fields.text(body.get("size")),
        fields.text(body.get("remixed_from_video_id")),
        error,
        extra_fields(body, hidden),
    )


def is_repeated(known: Snapshot, body: dict[str, Json], video_id: str) -> bool:
    """Return whether an object says about a running job what is `known`, and nothing else.

    What it leaves out stays known (`Snapshot.after`), except for its progress.
    """
    said = body.get
    return (
        said("status") == known.word
        and said("id") == video_id
        and said("progress") == known.progress
        and (said("model") or known.model) == known.model
        and (said("created_at") or known.created_at) == known.created_at
        and (said("seconds") or known.seconds) == known.seconds
        and (said("size") or known.size) == known.size
        and (said("remixed_from_video_id") or known.remixed_from_video_id)
        == known.remixed_from_video_id
        and said("completed_at") == known.completed_at
        and said("expires_at") == known.expires_at
        and said("error") is None
        and not (known.ended or known.error or known.extra)
        and body.keys() <= PROTOCOL
    )


def _is_cancel(body: dict[str, Json], code: str | None) -> bool:
    """Return whether a failed job's error says that it was cancelled.

    Its `code` decides. Without one, or beside a number, its `type` or `status` does.
    """
    if code is not None and not code.isdecimal():
        return read_status(code) is Status.CANCELLED or _names_cancel(code)
    if code == _GOOGLE_CANCELLED and names_operation(body):
        return True
    error = body.get("error")
    if not isinstance(error, dict):
        return False
    names = (error.get("type"), error.get("status"))
    return any(isinstance(name, str) and _names_cancel(name) for name in names)


def _names_cancel(code: str) -> bool:
    return _CANCEL.fullmatch(as_code(code).replace(" ", "_")) is not None
