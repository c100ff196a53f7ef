"""The answers in which gateways say that a job is missing, failed or refused.

Most take the id that was asked for. Those that pass on or replace an upstream's answer take it.
"""

from collections.abc import Mapping
from http import HTTPStatus

from notifier.http_server import Response, json_response
from notifier.sandbox.responses import refusal, wrong_key

_LITELLM_KINDS: Mapping[int, str] = {
    HTTPStatus.UNAUTHORIZED: "authentication_error",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_server_error",
}


def video_not_found(_video_id: str) -> Response:
    """Say that a video does not exist as the reference page does."""
    return refusal(HTTPStatus.NOT_FOUND, "Video not found", "video_not_found")


def task_not_exist(_video_id: str) -> Response:
    """Say that a video does not exist as new-api does."""
    body = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
    return json_response(body, HTTPStatus.BAD_REQUEST)


def litellm_missing(video_id: str) -> Response:
    """Say that a video does not exist as LiteLLM does: with its upstream's answer quoted."""
    upstream = refusal(
        HTTPStatus.NOT_FOUND, f"Video with id '{video_id}' not found.", "video_not_found"
    )
    return quoted_by_litellm(
        upstream, "litellm.BadRequestError: OpenAIException", HTTPStatus.NOT_FOUND
    )


def openrouter_missing(_video_id: str) -> Response:
    """Say that a video does not exist as OpenRouter does."""
    error = {"code": 404, "message": "Video generation job not found"}
    return json_response({"error": error}, HTTPStatus.NOT_FOUND)


def azure_missing(video_id: str) -> Response:
    """Say that a video does not exist as Azure does: without a code."""
    return refusal(HTTPStatus.NOT_FOUND, f"Video with id '{video_id}' not found.")


def sglang_missing(_video_id: str) -> Response:
    """Say that a video does not exist as SGLang does."""
    return json_response({"detail": "Video not found"}, HTTPStatus.NOT_FOUND)


def xai_missing(_video_id: str) -> Response:
    """Say that a video does not exist as xAI does."""
    return json_response({"error": {"message": "Video request not found"}}, HTTPStatus.NOT_FOUND)


def kling_missing(_video_id: str) -> Response:
    """Say that a task does not exist as Kling does: with a number of its own."""
    body = {"code": 1203, "message": "The requested resource does not exist", "data": None}
    return json_response(body, HTTPStatus.NOT_FOUND)


def xai_moderated(_upstream: Response) -> Response:
    """Say that a job failed as xAI does: the request for its status is refused."""
    message = "Generated video rejected by content moderation."
    body = {"code": "imagine:content-moderated", "error": message}
    return json_response(body, HTTPStatus.BAD_REQUEST)


def litellm_failed(upstream: Response) -> Response:
    """Pass on vLLM-Omni's answer about a failed job as LiteLLM does: quoted, as a 500."""
    exception = "litellm.InternalServerError: InternalServerError: Hosted_vllmException"
    return quoted_by_litellm(upstream, exception, HTTPStatus.INTERNAL_SERVER_ERROR)


def refused_upstream() -> Response:
    """Say that an upstream refused the proxy's key, as LiteLLM passes it on."""
    return quoted_by_litellm(
        wrong_key(),
        "litellm.AuthenticationError: AuthenticationError: OpenAIException",
        HTTPStatus.UNAUTHORIZED,
    )


def litellm_without_provider() -> Response:
    """Refuse a list request that does not name its provider, as LiteLLM does."""
    message = (
        "litellm.BadRequestError: LLM Provider NOT provided. "
        "Pass in the LLM provider you are trying to call."
    )
    return refusal(HTTPStatus.BAD_REQUEST, message, "400")


def quoted_by_litellm(upstream: Response, exception: str, status: int) -> Response:
    """Return an upstream's answer as LiteLLM 1.108 quotes it in the message of its own."""
    message = (
        f"{exception} - {upstream.body.decode()}\n\n"
        "LiteLLM: model group 'sora-2' failed with the error above. No fallback was attempted."
    )
    kind = _LITELLM_KINDS.get(status, "invalid_request_error")
    error = {"message": message, "type": kind, "param": None, "code": str(int(status))}
    return json_response({"error": error}, status)
