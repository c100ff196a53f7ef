"""The bodies in which gateways describe a job, and a job that is missing; a function for each.

All of them start from the protocol's own object, so that each function shows only what its
gateway does differently.
"""

from dataclasses import dataclass, replace
from http import HTTPStatus

from notifier.http_server import Response, json_response
from notifier.model.status import EXPIRED, Status
from notifier.model.video import Json, Snapshot
from notifier.sandbox.responses import refusal

Body = dict[str, Json]

_INTERNAL = 500


@dataclass(frozen=True, slots=True)
class Moment:
    """A job at one moment: `now` in Unix seconds, `origin` the gateway's own address."""

    seen: Snapshot
    now: float
    origin: str

    def named(self, word: str) -> "Moment":
        """Return the same moment with the status called `word`."""
        return replace(self, seen=self.seen._replace(word=word))

    @property
    def url(self) -> str:
        """Where the job is asked for."""
        return f"{self.origin}/v1/videos/{self.seen.id}"


def plain(moment: Moment) -> Body:
    """Describe a job as the protocol does."""
    return {**moment.seen.as_data(), "status": moment.seen.word}


def _without(body: Body, *names: str) -> Body:
    return {name: value for name, value in body.items() if name not in names}


def _error(moment: Moment, code: Json) -> Json:
    """Return the `error` object with another `code`, or None when nothing is wrong."""
    error = moment.seen.error
    return None if error is None else {"message": error.message, "code": code}


def new_api(moment: Moment) -> Body:
    """Describe a job as new-api does: milliseconds, and completed_at means "last updated"."""
    seen = moment.seen
    body = _without(plain(moment), "expires_at", "remixed_from_video_id", "error")
    if seen.created_at is not None:
        body["created_at"] = seen.created_at * 1000
    if seen.status is not Status.QUEUED:
        body["completed_at"] = (seen.completed_at or int(moment.now)) * 1000
    if seen.status is Status.COMPLETED:
        body["metadata"] = {"url": f"{moment.url}/content"}
    if seen.error is not None:
        body["error"] = seen.error.as_data()
        body["metadata"] = {"url": seen.error.message}
    return {**body, "task_id": seen.id}


def new_api_legacy(moment: Moment) -> Body:
    """Describe a job as new-api's older task API does."""
    seen = moment.seen
    running = seen.status is not Status.QUEUED
    return {
        "task_id": seen.id,
        "status": seen.word,
        "fail_reason": "" if seen.error is None else seen.error.message,
        "submit_time": seen.created_at,
        "start_time": seen.created_at if running else 0,
        "finish_time": int(moment.now) if seen.ended else 0,
        "progress": f"{seen.progress}%",
    }


def litellm(moment: Moment) -> Body:
    """Describe a job as LiteLLM does for a provider that reports little."""
    return {**_without(plain(moment), "progress", "expires_at"), "created_at": 0}


def vllm_omni(moment: Moment) -> Body:
    """Describe a job as vLLM-Omni does: whole-number error codes, and how long it took."""
    seen = moment.seen
    took = None
    if seen.completed_at is not None and seen.created_at is not None:
        took = float(seen.completed_at - seen.created_at)
    body = _without(plain(moment), "remixed_from_video_id")
    return {**body, "error": _error(moment, _INTERNAL), "inference_time_s": took}


def openrouter(moment: Moment) -> Body:
    """Describe a job as OpenRouter does: error is a text, an expired job has its own word."""
    seen = moment.seen
    expired = seen.error is not None and seen.error.code == EXPIRED
    body: Body = {
        "id": seen.id,
        "polling_url": moment.url,
        "status": EXPIRED if expired else seen.word,
    }
    if seen.error is not None:
        body["error"] = seen.error.message
    if seen.status is Status.COMPLETED:
        body["unsigned_urls"] = [f"{moment.url}/content?index=0"]
    return body


def unsloth(moment: Moment) -> Body:
    """Describe a job as Unsloth Studio does: it has no word for a cancelled one."""
    body = plain(moment)
    if moment.seen.status is Status.CANCELLED:
        error = {"message": "Generation cancelled", "code": "cancelled"}
        return {**body, "status": Status.FAILED.value, "error": error}
    return body


def azure(moment: Moment) -> Body:
    """Describe a job as Azure does: an error without a code."""
    return {**plain(moment), "error": _error(moment, None)}


def video_not_found(_video_id: str) -> Response:
    """Say that a video does not exist as the reference page does."""
    return refusal(HTTPStatus.NOT_FOUND, "Video not found", "video_not_found")


def task_not_exist(_video_id: str) -> Response:
    """Say that a video does not exist as new-api does."""
    body = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
    return json_response(body, HTTPStatus.BAD_REQUEST)


def litellm_missing(video_id: str) -> Response:
    """Say that a video does not exist as LiteLLM does when the provider said so."""
    message = f"litellm.NotFoundError: OpenAIException - Video with id '{video_id}' not found."
    return refusal(HTTPStatus.NOT_FOUND, message, "404")


def openrouter_missing(_video_id: str) -> Response:
    """Say that a video does not exist as OpenRouter does."""
    error = {"code": 404, "message": "Video generation job not found"}
    return json_response({"error": error}, HTTPStatus.NOT_FOUND)


def azure_missing(video_id: str) -> Response:
    """Say that a video does not exist as Azure does: without a code."""
    return refusal(HTTPStatus.NOT_FOUND, f"Video with id '{video_id}' not found.")
