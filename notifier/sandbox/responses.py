"""Errors about a request, in the shape OpenAI gives them."""

from http import HTTPStatus

from notifier.http_server import Response, json_response


def refusal(
    status: int, message: str, code: str | None = None, param: str | None = None
) -> Response:
    """Return an error answer whose `error` object the `openai` SDK understands."""
    ours = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = "server_error" if ours else "invalid_request_error"
    error = {"message": message, "type": kind, "param": param, "code": code}
    return json_response({"error": error}, status)


def wrong_key() -> Response:
    """Return the answer to a missing, wrong or revoked API key."""
    message = "Incorrect API key provided. You can find your API key in the sandbox's options."
    return refusal(HTTPStatus.UNAUTHORIZED, message, "invalid_api_key")


def missing_parameter(name: str) -> Response:
    """Return the answer to a request without a parameter that it must have."""
    message = f"Missing required parameter: '{name}'."
    return refusal(HTTPStatus.BAD_REQUEST, message, "missing_required_parameter", name)


def not_ready() -> Response:
    """Return the answer to a request that needs a completed video, about one that is not."""
    message = "The video is not ready: ask for its status until it is completed."
    return refusal(HTTPStatus.CONFLICT, message, "video_not_ready")
