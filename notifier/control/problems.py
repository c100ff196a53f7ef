"""Maps errors to `application/problem+json` answers (RFC 9457)."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from notifier import log
from notifier.config.bad_value import quoted
from notifier.errors import (
    ConfigError,
    ConflictError,
    NotifierError,
    StoreError,
    TransportError,
    UnknownError,
)
from notifier.http_server.problem_document import document, problem, problem_response
from notifier.model.views import Row

_STATUS: tuple[tuple[type[NotifierError], HTTPStatus], ...] = (
    (ConfigError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnknownError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (TransportError, HTTPStatus.BAD_GATEWAY),
)


async def for_error(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request that ended in one of our own errors."""
    return problem_response(of_error(error))


def of_error(error: Exception) -> Row:
    """Return the problem document of one of our own errors."""
    status = next(
        (status for kind, status in _STATUS if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    if isinstance(error, ConfigError):
        found = [
            {"where": each.where, "key": each.key, "message": each.sentence, "hint": each.hint}
            for each in error.problems
        ]
        return document(status, str(error), found)
    return document(status, str(error))


async def for_http(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that is refused by the routing, or before an operation is begun."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    status = HTTPStatus(error.status_code)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        methods = sorted((error.headers or {})["Allow"].split(", "))
        detail = f"{request.method} is not for this path; it takes {', '.join(methods)}"
        return problem(status, detail, {"allow": ", ".join(methods)})
    if status is HTTPStatus.NOT_FOUND:
        path = quoted(request.url.path)
        there = f"there is no {path}" if path else "there is no such path"
        return problem(status, f"{there}; all paths: /openapi.json, or /docs to read")
    return problem(status, error.detail, error.headers)


async def for_bug(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that met a bug of ours; the log names it."""
    log.get().error("request_crashed", path=request.url.path, reason=type(error).__name__)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "notifier met a bug; see its log")
