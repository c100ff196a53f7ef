"""Describes the operations of an OpenAPI document: what each takes, gives and refuses."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from notifier.control.response_models import Problem
from notifier.control.watch_batches import MAX_ITEMS

Operation = dict[str, Any]

JSON = "application/json"
_PROBLEM = "application/problem+json"
REFERENCE = "#/components/schemas/{model}"
"""Where the schema of a model stands in the document."""

_REFUSED_BY_GUARD = (401, 403, 421)
OF_A_BODY = (400, 413, 415, 422)
"""The statuses that refuse a body."""

_REASONS = {
    400: "the body is not JSON",
    401: "the token is missing or wrong",
    403: "requests from web pages are not answered",
    404: "there is no such thing",
    409: "it contradicts what is already so",
    413: "the body is too large",
    415: "the body is not application/json",
    421: "the Host header names another host",
    422: "a value cannot be used",
    500: "notifier met a bug",
    502: "what it needs could not be reached",
    503: "the store cannot be read or written",
}


def operation(
    name: str,
    summary: str,
    gives: type[BaseModel],
    *,
    status: int = 200,
    refuses: tuple[int, ...] = (422, 503),
) -> Operation:
    """Describe an operation; `name` is what clients that are made from this call it."""
    return {
        "operationId": name,
        "summary": summary,
        "responses": {str(status): answer(gives), **refusals(*refuses)},
    }


def with_body(schema: Mapping[str, object], of: Operation, *, required: bool = True) -> Operation:
    """Return the operation `of` with the body that it takes."""
    body = {"required": required, "content": {JSON: {"schema": schema}}}
    return {**of, "requestBody": body}


def array_of(model: type[BaseModel]) -> dict[str, Any]:
    """Describe an array whose items are validated one by one: an invalid one refuses no other.

    So anything may stand there beside what makes sense.
    """
    return {
        "type": "array",
        "maxItems": MAX_ITEMS,
        "description": "The results have the status of each item, and its watch or problem.",
        "items": {
            "anyOf": [reference(model), {}],
            "description": "An invalid one has its problem in `results`.",
        },
        "examples": [[{"gateway": "main", "video_id": "video_1"}]],
    }


def with_query(query: type[BaseModel], of: Operation) -> Operation:
    """Return the operation `of` with the parameters of its URL."""
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in query.model_json_schema()["properties"].items()
    ]
    return {**of, "parameters": parameters}


def answer(model: type[BaseModel], description: str = "done") -> dict[str, Any]:
    """Describe an answer in JSON."""
    return {"description": description, "content": {JSON: {"schema": reference(model)}}}


def reference(model: type[BaseModel]) -> dict[str, str]:
    """Return a reference to a model's schema."""
    return {"$ref": REFERENCE.format(model=model.__name__)}


def refusals(*statuses: int) -> dict[str, Any]:
    """Describe refusals with these statuses, and those that every request may meet."""
    content = {_PROBLEM: {"schema": reference(Problem)}}
    return {
        str(status): {"description": _REASONS[status], "content": content}
        for status in sorted({*statuses, *_REFUSED_BY_GUARD, 500})
    }


def text_answer(name: str, summary: str, content_type: str, *refuses: int) -> Operation:
    """Describe an operation whose answer is text."""
    text = {"description": "done", "content": {content_type: {"schema": {"type": "string"}}}}
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": text, **refusals(*refuses)},
    }


def path_parameters(*names: str, **bounds: object) -> list[Mapping[str, object]]:
    """Describe what stands in a path, with the bounds of its text."""
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", **bounds}}
        for name in names
    ]
