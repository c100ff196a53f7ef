"""The bodies in which gateways describe a job; a function for each dialect.

All of them start from the protocol's own object, so that each function shows only what its
gateway does differently.
"""

from dataclasses import dataclass, replace

from notifier.model.status import EXPIRED, Status
from notifier.model.video import Json, Snapshot

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

    def with_id(self, video_id: str) -> "Moment":
        """Return the same moment of a job with another id."""
        return replace(self, seen=self.seen._replace(id=video_id))

    @property
    def expired(self) -> bool:
        """Whether the job has expired instead of being done."""
        return self.seen.error is not None and self.seen.error.code == EXPIRED

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
    body = _without(plain(moment), "remixed_from_video_id")
    return {**body, "error": _error(moment, _INTERNAL), "inference_time_s": _took(seen)}


def openrouter(moment: Moment) -> Body:
    """Describe a job as OpenRouter does: error is a text, an expired job has its own word."""
    seen = moment.seen
    body: Body = {
        "id": seen.id,
        "polling_url": moment.url,
        "status": EXPIRED if moment.expired else seen.word,
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


def sglang(moment: Moment) -> Body:
    """Describe a job as SGLang does: a completed one carries paths of the server's own disk."""
    seen = moment.seen
    body = {**plain(moment), "quality": "standard", "url": None}
    if seen.error is not None:
        body["error"] = {"message": seen.error.message}
    if seen.status is Status.COMPLETED:
        path = f"/sgl-workspace/outputs/{seen.id}.mp4"
        body |= {"file_path": path, "file_paths": [path], "inference_time_s": _took(seen)}
    return body


def xai(moment: Moment) -> Body:
    """Describe a job as xAI does: without its id once it runs, and `done` for completed."""
    seen = moment.seen
    if seen.status is Status.QUEUED:
        return {"request_id": seen.id}
    if moment.expired:
        return {"status": EXPIRED}
    body: Body = {"status": seen.word, "model": seen.model, "progress": seen.progress}
    if seen.status is Status.COMPLETED:
        url = f"{moment.url}/content"
        body["video"] = {"url": url, "duration": int(seen.seconds or 0)}
    return body


def kling(moment: Moment) -> Body:
    """Describe a job as Kling does: a task, whose result is a video of another id."""
    seen = moment.seen
    created, updated = (seen.created_at or 0) * 1000, int(moment.now * 1000)
    body: Body = {
        "task_id": seen.id,
        "task_status": seen.word,
        "task_status_msg": "" if seen.error is None else seen.error.message,
        "task_info": {"external_task_id": None},
        "created_at": created,
        "updated_at": updated,
    }
    if seen.status is Status.COMPLETED:
        result = {"id": f"result-of-{seen.id}", "url": f"{moment.url}/content"}
        body["task_result"] = {"videos": [{**result, "duration": seen.seconds}]}
    return body


def in_success(body: Body) -> Body:
    """Wrap a task as new-api's older API does."""
    return {"code": "success", "message": "", "data": body}


def in_code_0(body: Body) -> Body:
    """Wrap a task as Kling does, whose `message` is about the request."""
    return {"code": 0, "message": "SUCCEED", "data": body}


def _took(seen: Snapshot) -> float | None:
    if seen.completed_at is None or seen.created_at is None:
        return None
    return float(seen.completed_at - seen.created_at)
