"""Maps errors to `application/problem+json` answers (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from notifier import log
from notifier.errors import (
    ConfigError,
    ConflictError,
    NotifierError,
    StoreError,
    TransportError,
    UnknownError,
)

_STATUS: tuple[tuple[type[NotifierError], HTTPStatus], ...] = (
    (ConfigError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (UnknownError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (StoreError, HTTPStatus.SERVICE_UNAVAILABLE),
    (TransportError, HTTPStatus.BAD_GATEWAY),
)


def problem(
    status: HTTPStatus,
    detail: str,
    headers: Mapping[str, str] | None = None,
    problems: Sequence[Mapping[str, str]] = (),
) -> JSONResponse:
    """Return the answer to a request that cannot be granted; `detail` is one sentence."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": log.redactor.clean(detail),
    }
    if problems:
        body["problems"] = log.redactor.clean_any(list(problems))
    return JSONResponse(body, status.value, media_type="application/problem+json", headers=headers)


async def for_error(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request that ended in one of our own errors."""
    status = next(
        (status for kind, status in _STATUS if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    if isinstance(error, ConfigError):
        found = [
            {"where": each.where, "key": each.key, "message": each.message, "hint": each.hint}
            for each in error.problems
        ]
        return problem(status, str(error), problems=found)
    return problem(status, str(error))


async def for_validation(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request whose body or query is invalid."""
    assert isinstance(error, ValidationError)  # noqa: S101 - what it is registered for
    found = [
        {"key": ".".join(map(str, each["loc"])), "message": each["msg"]}
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    detail = "; ".join(": ".join(filter(None, each.values())) for each in found)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, problems=found)


async def for_http(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request that the routing refuses: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return problem(HTTPStatus(error.status_code), error.detail, error.headers)


async def for_bug(request: Request, error: Exception) -> JSONResponse:
    """Answer a request that met a bug of ours; the log names it."""
    log.get().error("request_crashed", path=request.url.path, reason=type(error).__name__)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "notifier met a bug; see its log")
