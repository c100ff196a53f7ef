"""What a create, edit, extension or remix request asks for, and whether it may be done."""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from notifier.http_server import Response
from notifier.model.status import Status
from notifier.sandbox.forms import Form
from notifier.sandbox.jobs import Job
from notifier.sandbox.responses import missing_parameter, not_ready, refusal

_MODEL, _SECONDS, _SIZE = "sora-2", "4", "720x1280"
_LONGEST_VIDEO = 120  # seconds, of an extended video


class JobRequest(NamedTuple):
    """The job to start; `remix_of` is the id of the video that a remix is made from."""

    prompt: str
    model: str = _MODEL
    seconds: str = _SECONDS
    size: str = _SIZE
    remix_of: str | None = None


class RefusedRequestError(Exception):
    """A request that is answered with `response` instead of being done."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class JobRequests:
    """Reads the requests that start a job; `find` returns a job that is alive, by a shown id.

    All methods raise RefusedRequestError. `missing` is the gateway's answer about an unknown
    video.
    """

    def __init__(
        self,
        find: Callable[[str], Job | None],
        missing: Callable[[str], Response],
        now: Callable[[], float],
    ) -> None:
        self._find = find
        self._missing = missing
        self._now = now

    def create(self, form: Form) -> JobRequest:
        """Read `POST /videos`."""
        return JobRequest(
            _required(form, "prompt"),
            form.fields.get("model") or _MODEL,
            form.fields.get("seconds") or _SECONDS,
            form.fields.get("size") or _SIZE,
        )

    def remix(self, form: Form, shown_id: str) -> JobRequest:
        """Read `POST /videos/{id}/remix`."""
        source = self._completed(shown_id)
        prompt = _required(form, "prompt")
        return JobRequest(prompt, source.model, source.seconds, source.size, source.id)

    def edit(self, form: Form) -> JobRequest:
        """Read `POST /videos/edits`, of an uploaded video or of one that was made here."""
        prompt = _required(form, "prompt")
        source = self._source(form)
        if source is None:
            return JobRequest(prompt)
        return JobRequest(prompt, source.model, source.seconds, source.size)

    def extend(self, form: Form) -> JobRequest:
        """Read `POST /videos/extensions`; `seconds` of the result is the total duration."""
        prompt, added = _required(form, "prompt"), _whole(_required(form, "seconds"))
        source = self._source(form)
        if source is None:
            return JobRequest(prompt, seconds=str(added))
        total = _whole(source.seconds) + added
        return JobRequest(prompt, source.model, str(total), source.size)

    def _source(self, form: Form) -> Job | None:
        """Return the job that a form refers to; None when it uploads a video."""
        if "video" in form.files:
            return None
        shown_id = form.fields.get("video[id]")
        if not shown_id:
            raise RefusedRequestError(missing_parameter("video"))
        return self._completed(shown_id)

    def _completed(self, shown_id: str) -> Job:
        job = self._find(shown_id)
        if job is None:
            raise RefusedRequestError(self._missing(shown_id))
        if job.status_at(self._now()) is not Status.COMPLETED:
            raise RefusedRequestError(not_ready())
        return job


def _required(form: Form, name: str) -> str:
    text = form.fields.get(name)
    if not text:
        raise RefusedRequestError(missing_parameter(name))
    return text


def _whole(text: str) -> int:
    digits = text.isascii() and text.isdigit()
    if not digits or not 1 <= int(text[:6]) <= _LONGEST_VIDEO:
        message = f"'seconds' must be a whole number from 1 to {_LONGEST_VIDEO}."
        raise RefusedRequestError(
            refusal(HTTPStatus.BAD_REQUEST, message, "invalid_value", "seconds")
        )
    return int(text)
