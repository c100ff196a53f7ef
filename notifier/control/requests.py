"""Reads requests of the control API: their query or JSON body, validated by a model."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from notifier.config.validation import findings_of
from notifier.errors import ConfigError

B = TypeVar("B", bound=BaseModel)


def read_query(request: Request, model: type[B]) -> B:
    """Read the query; raises ConfigError, and HTTPException for a repeated parameter."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name} is given twice")
        given[name] = value
    return validated(model, given, "query")


async def read_body(request: Request, model: type[B], *, empty: bool = False) -> B:
    """Read a JSON object; an `empty` body may count as one without members.

    Raises ConfigError for an invalid one, HTTPException for what is no JSON object.
    """
    if empty and not await request.body():
        return validated(model, {}, "body")
    return validated(model, await read_json(request), "body")


async def read_json(request: Request) -> object:
    """Read any JSON body; raises HTTPException for what is not JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        raise HTTPException(status, "the body must be application/json")
    raw = await request.body()
    try:
        raw.decode()
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the body is not JSON") from None


def validated(model: type[B], value: object, where: str) -> B:
    """Return `value` as a `model`; raises ConfigError with every problem of `where`."""
    if not isinstance(value, Mapping):
        reason = f"the {where} must be a JSON object"
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, reason)
    try:
        return model.model_validate(value)
    except ValidationError as error:
        findings = findings_of(model, value, error)
        raise ConfigError([each.problem(where) for each in findings]) from None
