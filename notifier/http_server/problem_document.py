"""`application/problem+json` answers (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import cast

from starlette.responses import JSONResponse

from notifier import log
from notifier.model.video import Json
from notifier.model.views import Row


def problem(
    status: HTTPStatus,
    detail: str,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the answer to a request that cannot be granted; `detail` is one sentence."""
    return problem_response(document(status, detail), headers)


def problem_response(members: Row, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer with the members of a problem document."""
    status = members["status"]
    assert isinstance(status, int)  # noqa: S101 - as `document` makes it
    return JSONResponse(members, status, media_type="application/problem+json", headers=headers)


def document(status: HTTPStatus, detail: str, problems: Sequence[Mapping[str, str]] = ()) -> Row:
    """Return the members of a problem document."""
    body: Row = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": log.redactor.clean(detail),
    }
    if problems:
        body["problems"] = cast("Json", log.redactor.clean_any(list(problems)))
    return body
